/** Parts of a page that a program writes, by the name that stands in their marker. */
export type Sections = Readonly<Record<string, string>>

const marker = /^<!-- generated: (\S+) -->\n.*?^<!-- end generated -->$/gms

/**
 * A page whose generated sections are replaced. A section is what stands between `<!-- generated: NAME -->` and
 * `<!-- end generated -->`, each alone in its line.
 * @throws Error when the page lacks one of the sections or has one that nobody generates
 */
export function fillSections(page: string, sections: Sections): string {
  const missing = new Set(Object.keys(sections))
  const filled = page.replaceAll(marker, (_, name: string) => {
    const text = sections[name]
    if (text === undefined) throw new Error(`nothing generates the section "${name}"`)
    missing.delete(name)
    return `<!-- generated: ${name} -->\n\n${text}\n\n<!-- end generated -->`
  })
  if (missing.size > 0) throw new Error(`the page has no section ${[...missing].join(', ')}`)
  return filled
}
