import type { Option } from './option.ts'
import { optionTable, type PublishedOptions } from './table.ts'

/** `max-num-seqs` as `maxNumSeqs`. */
type CamelCase<S extends string> = S extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<CamelCase<Tail>>}` : S

/** A field per option of the table, named in camel case. */
export type OptionFields = {
  readonly [K in keyof PublishedOptions as CamelCase<K>]: PublishedOptions[K] extends Option<infer T> ? T : never
}

/**
 * The value of every option as it was read, durations in nanoseconds: by field name, and by option name for code that
 * walks the table.
 */
export type Values = OptionFields & { readonly byName: Readonly<Record<string, unknown>> }

/** Values with the table's defaults where nothing was given. */
export function completeValues(given: ReadonlyMap<string, unknown>): Values {
  const byName: Record<string, unknown> = {}
  const fields: Record<string, unknown> = {}
  for (const [name, row] of optionTable) {
    const value = given.has(name) ? given.get(name) : row.default
    byName[name] = value
    fields[camelCase(name)] = value
  }
  return { ...(fields as unknown as OptionFields), byName }
}

/** `max-num-seqs` as `maxNumSeqs`. */
export function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}
