import { existsSync, readFileSync } from 'node:fs'
import path from 'node:path'

/**
 * The relative links of a page that lead nowhere: to a file that is not there, or to a heading that the page does not
 * have. Addresses with a scheme are not tried.
 * @param root the root of the repository
 * @param file the page, from there
 * @param text its content; read when absent
 */
export function brokenLinks(root: string, file: string, text = readFileSync(path.join(root, file), 'utf8')): string[] {
  return targets(text).filter(target => {
    if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return false
    const [name = '', anchor] = target.split('#')
    const linked = path.join(root, path.dirname(file), decodeURIComponent(name))
    if (name !== '' && !existsSync(linked)) return true
    if (anchor === undefined || (name !== '' && !name.endsWith('.md'))) return false
    return !anchors(name === '' ? text : readFileSync(linked, 'utf8')).has(anchor)
  })
}

/** What the links of a page point at, in order. */
function targets(text: string): string[] {
  const prose = withoutCode(text)
  const inline = [...prose.matchAll(/\[[^\]]*\]\(\s*<?([^\s)>]+)>?(?:\s+"[^"]*")?\s*\)/g)]
  const definitions = [...prose.matchAll(/^ {0,3}\[[^\]]+\]:\s*<?([^\s>]+)/gm)]
  return [...inline, ...definitions].map(match => match[1]!)
}

/** The anchors that GitHub gives to headings. */
function anchors(text: string): Set<string> {
  const found = new Set<string>()
  for (const [, heading = ''] of text.replaceAll(/^```.*?^```/gms, '').matchAll(/^#{1,6} +(.+?) *#*$/gm)) {
    const words = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase()
    const plain = words.replaceAll(/[^\p{L}\p{N}\p{M}_ -]/gu, '').replaceAll(' ', '-')
    let anchor = plain
    for (let again = 1; found.has(anchor); again++) anchor = `${plain}-${again}`
    found.add(anchor)
  }
  return found
}

function withoutCode(text: string): string {
  return text.replaceAll(/^ *```.*?^ *```/gms, '').replaceAll(/(`+).*?\1/gs, '')
}
