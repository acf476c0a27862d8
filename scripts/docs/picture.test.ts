import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, expect, test } from 'vitest'
import { root } from '../deploy/objects.ts'
import { type Recording, renderPicture } from './picture.ts'

/** What makes a text no well-formed XML: tags that do not match, values without quotes, characters that must be escaped. */
function xmlProblem(text: string): string | undefined {
  const open: string[] = []
  let last = 0
  for (const match of text.matchAll(/<(\/?)([A-Za-z]+)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g)) {
    const between = text.slice(last, match.index)
    if (/[<>]|&(?!amp;|lt;|gt;|quot;)/.test(between)) return `text "${between}"`
    last = match.index + match[0].length
    const [, closes, name, , empty] = match
    if (closes && open.pop() !== name) return `</${name}> closes another`
    if (!closes && !empty) open.push(name!)
    if (open.length === 0 && text.slice(last).trim() !== '') return 'two roots'
  }
  return open.length > 0 ? `<${open.at(-1)}> is not closed` : text.slice(last).trim() || undefined
}

describe('docs/picture.svg', () => {
  const picture = readFileSync(path.join(root, 'docs/picture.svg'), 'utf8')

  test('is well-formed, small, and needs nothing from elsewhere', () => {
    expect(xmlProblem(picture)).toBeUndefined()
    expect(Buffer.byteLength(picture)).toBeLessThan(60_000)
    expect(picture.replace('http://www.w3.org/2000/svg', '')).not.toMatch(/https?:|href|url\(|<script|<image/)
  })

  test('shows the recording that is in it; if not, run "node scripts/picture.ts"', () => {
    const desc = /<desc>(.*)<\/desc>/.exec(picture)![1]!
    const plain = desc.replaceAll('&lt;', '<').replaceAll('&gt;', '>').replaceAll('&amp;', '&')
    const recording = JSON.parse(plain) as Recording
    expect(recording.pieces.length).toBeGreaterThan(20)
    expect(renderPicture(recording)).toBe(picture)
  })

  test('text of any kind stays text', () => {
    const recording = {
      options: [],
      pieces: [
        { at: 1, text: '<b>&' },
        { at: 2, text: ' ]]>' },
      ],
    }
    expect(xmlProblem(renderPicture(recording))).toBeUndefined()
  })

  test.each(['<a><b></a></b>', '<a', '<a b=c/>', '<a>&</a>', '<a/><a/>', '<a>', '<a>1 < 2</a>'])(
    '%s is not well-formed',
    text => expect(xmlProblem(text)).toBeDefined(),
  )
})
