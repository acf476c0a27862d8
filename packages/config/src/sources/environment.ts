import { ConfigError, quote, reasonOf } from '../errors.ts'
import type { OptionTable } from '../table.ts'

/** Environment variables by name, as the process has them. */
export type Environment = Readonly<Record<string, string | undefined>>

/** A variable that is no option: it has no flag and no YAML key. */
export interface Variable<T = unknown> {
  readonly name: string
  readonly help: string
  readonly default: T
  /** Reads a value that is not empty; throws with the reason. */
  parse(text: string): T
}

/** Any text. */
export function textVariable(name: string, help: string): Variable<string> {
  return { name, help, default: '', parse: text => text }
}

/** On for `1` and `true`. */
export function flagVariable(name: string, help: string, preset = false): Variable<boolean> {
  return { name, help, default: preset, parse: text => /^(1|true)$/i.test(text) }
}

/** A whole number of 0 or more. */
export function countVariable(name: string, preset: number, help: string): Variable<number> {
  return {
    name,
    help,
    default: preset,
    parse(text) {
      if (!/^\d{1,15}$/.test(text)) throw new Error('expected a number')
      return Number(text)
    },
  }
}

/** The fields that a table of variables gives. */
export type VariableFields<Table extends Readonly<Record<string, Variable>>> = {
  readonly [K in keyof Table]: Table[K] extends Variable<infer T> ? T : never
}

/**
 * Reads the variables of a table by field name; an empty one counts as unset.
 * @throws ConfigError that names a variable with a bad value
 */
export function readVariables<const Table extends Readonly<Record<string, Variable>>>(
  table: Table,
  env: Environment,
): VariableFields<Table> {
  const entries = Object.entries(table).map(([field, variable]) => {
    const text = env[variable.name]
    if (text === undefined || text === '') return [field, variable.default]
    return [field, readVariable(variable.name, text, () => variable.parse(text))]
  })
  return Object.fromEntries(entries) as VariableFields<Table>
}

/** Values of options that the environment gives; an empty variable counts as unset. @throws ConfigError */
export function readOptionVariables(
  table: OptionTable,
  env: Environment,
  warn: (remark: string) => void,
): Map<string, unknown> {
  const values = new Map<string, unknown>()
  for (const [name, row] of table.rows) {
    const text = row.env === undefined ? undefined : env[row.env]
    if (row.env === undefined || text === undefined || text === '') continue
    const variable = row.env
    const parse = (): unknown => row.type.parse(text, remark => warn(`${variable}: ${remark}`))
    values.set(name, readVariable(variable, text, parse))
  }
  return values
}

function readVariable<T>(name: string, text: string, parse: () => T): T {
  try {
    return parse()
  } catch (error) {
    throw new ConfigError(`invalid value ${quote(text)} of environment variable ${name}: ${reasonOf(error)}`)
  }
}
