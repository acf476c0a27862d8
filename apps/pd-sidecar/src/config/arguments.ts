import { options } from '../options/table.ts'

/** Long names with one dash, as older sidecars took them: `-port=8000`. Short forms there are none. */
export function withTwoDashes(argv: readonly string[]): string[] {
  return argv.map(word => {
    const name = /^-([a-z][\w-]*)(=|$)/.exec(word)?.[1]
    return name !== undefined && options.rows.has(name.replaceAll('_', '-')) ? `-${word}` : word
  })
}
