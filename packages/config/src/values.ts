import type { Option } from './option.ts'
import type { OptionTable } from './table.ts'

/** `max-num-seqs` as `maxNumSeqs`. */
type CamelCase<S extends string> = S extends `${infer Head}-${infer Tail}` ? `${Head}${Capitalize<CamelCase<Tail>>}` : S

/** A field per row, named in camel case. */
export type OptionFields<Rows extends Readonly<Record<string, Option>>> = {
  readonly [K in keyof Rows & string as CamelCase<K>]: Rows[K] extends Option<infer T> ? T : never
}

/**
 * The value of every option as it was read, durations in nanoseconds: by field name, and by option name for code that
 * walks the table.
 */
export type Values<Rows extends Readonly<Record<string, Option>>> = OptionFields<Rows> & {
  readonly byName: Readonly<Record<string, unknown>>
}

/**
 * Values with the table's defaults where nothing was given.
 * @typeParam Rows those rows of the table whose fields the caller wants to see typed
 */
export function completeValues<Rows extends Readonly<Record<string, Option>>>(
  table: OptionTable,
  given: ReadonlyMap<string, unknown>,
): Values<Rows> {
  const byName: Record<string, unknown> = {}
  const fields: Record<string, unknown> = {}
  for (const [name, row] of table.rows) {
    const value = given.has(name) ? given.get(name) : row.default
    byName[name] = value
    fields[camelCase(name)] = value
  }
  return { ...(fields as unknown as OptionFields<Rows>), byName }
}

/** The fields as consumers see them: durations in milliseconds. */
export function publishedFields<Rows extends Readonly<Record<string, Option>>>(
  rows: Rows,
  { byName }: Pick<Values<Rows>, 'byName'>,
): OptionFields<Rows> {
  const fields: Record<string, unknown> = {}
  for (const [name, { type }] of Object.entries(rows)) {
    const value = byName[name]
    fields[camelCase(name)] = value === undefined || type.publish === undefined ? value : type.publish(value)
  }
  return fields as unknown as OptionFields<Rows>
}

/** The value as a reader is to see it: durations as `1.5s`; a secret is not told. */
export function shownValue(row: Option, value: unknown): unknown {
  if (value === undefined || value === null) return null
  if (row.secret && value !== '') return '***'
  return row.type.format === undefined ? value : row.type.format(value)
}

function camelCase(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}
