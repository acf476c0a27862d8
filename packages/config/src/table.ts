import type { Option, OptionGroup } from './option.ts'

/** All options of a program. */
export interface OptionTable {
  /** By subject, in the order of `--help` and the documentation. */
  readonly groups: readonly OptionGroup[]
  /** By name. */
  readonly rows: ReadonlyMap<string, Option>
  /** Names by short form, the dash left out: `tp`, `v`, `O`. */
  readonly shortForms: ReadonlyMap<string, string>
}

/** Makes a table of groups. @throws Error when a name or a short form stands twice */
export function defineOptions(groups: readonly OptionGroup[]): OptionTable {
  const all = groups.flatMap(({ options }) => Object.entries(options))
  return {
    groups,
    rows: unique(all),
    shortForms: unique(all.flatMap(([name, row]) => (row.short ?? []).map(short => [short, name] as const))),
  }
}

function unique<Value>(entries: readonly (readonly [string, Value])[]): Map<string, Value> {
  const map = new Map<string, Value>()
  for (const [key, value] of entries) {
    if (map.has(key)) throw new Error(`the option table has "${key}" twice`)
    map.set(key, value)
  }
  return map
}
