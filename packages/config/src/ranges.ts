import type { Option } from './option.ts'
import type { OptionTable } from './table.ts'

/** The first reason why values cannot be used, or undefined. */
export type Rule<V> = (values: V) => string | undefined

/** Values by option name. */
interface Named {
  readonly byName: Readonly<Record<string, unknown>>
}

/**
 * A check of whole configurations: the first rule that fails is the reported error.
 * @param rules makes the rules that have a place in the order; `ranges` is a rule for the ranges of the options named.
 * Ranges of options that are not named are checked last, in the order of the table
 */
export function validator<V extends Named>(
  table: OptionTable,
  rules: (ranges: (...names: readonly string[]) => Rule<V>) => readonly Rule<V>[],
): Rule<V> {
  const named = new Set<string>()
  const ordered = rules((...names) => {
    for (const name of names) named.add(name)
    return values => firstRangeError(table, values, names)
  })
  const others = [...table.rows.keys()].filter(name => !named.has(name))
  return values => {
    for (const rule of ordered) {
      const error = rule(values)
      if (error !== undefined) return error
    }
    return firstRangeError(table, values, others)
  }
}

function firstRangeError(table: OptionTable, values: Named, names: readonly string[]): string | undefined {
  for (const name of names) {
    const row = table.rows.get(name)!
    const value = values.byName[name]
    if (value !== undefined && !inRange(row, value)) {
      return row.error === undefined ? generalText(name, row, value) : row.error.replace('{}', () => String(value))
    }
  }
  return undefined
}

function inRange({ min, max, above, oneOf }: Option, value: unknown): boolean {
  if (oneOf !== undefined && !oneOf.includes(value)) return false
  if (typeof value !== 'number') return true
  return (
    !(min !== undefined && value < min) &&
    !(max !== undefined && value > max) &&
    !(above !== undefined && value <= above)
  )
}

function generalText(name: string, { min, max, above, oneOf }: Option, value: unknown): string {
  const got = `, got ${JSON.stringify(value)}`
  if (oneOf !== undefined) {
    const allowed = oneOf.filter(item => item !== '').map(item => JSON.stringify(item))
    return `${name} must be one of ${allowed.join(', ')}${got}`
  }
  if (above !== undefined) return `${name} must be greater than ${above}${got}`
  if (min !== undefined && max !== undefined) return `${name} must be between ${min} and ${max}${got}`
  return min === undefined ? `${name} must be at most ${max}${got}` : `${name} must be at least ${min}${got}`
}
