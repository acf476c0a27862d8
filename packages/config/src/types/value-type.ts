import { describe, type YamlNode } from '../sources/yaml-node.ts'

/** Takes a remark about a value that is accepted but should be written otherwise. */
export type Warn = (remark: string) => void

/**
 * How many words of the command line a value takes: `one`; `switch`: none, or a boolean word; `many`: all up to the
 * next flag, several occurrences add up; `maybe`: one that may be missing.
 */
type Arity = 'one' | 'switch' | 'many' | 'maybe'

/** One kind of value: how it is read from each source, and how it is described. */
export interface ValueType<T> {
  /** Name for `--help` and the documentation. */
  readonly label: string
  readonly arity: Arity
  /** Reads a word of the command line or an environment variable. With arity `many`: a list of that one word's values. */
  parse(text: string, warn: Warn): T
  /** Reads a value of a YAML file. */
  read(node: YamlNode, warn: Warn): T
  /** Decodes a value of `POST /admin/config`, never `null`. Types of options that can be changed live have it. */
  fromJson?(value: unknown): T
  /** JSON schema of the value in a YAML file. */
  readonly schema: Readonly<Record<string, unknown>>
  /** What consumers see; the value itself when absent. Durations are kept in nanoseconds and published in milliseconds. */
  publish?(value: T): T
  /** Folds `--name.path value` into the value given so far. */
  assign?(value: T | undefined, path: readonly string[], text: string): T
  /** How the value is shown to a reader; JSON when absent. */
  format?(value: T): string
}

/** The error for a YAML value of the wrong shape. */
export function expected(what: string, node: YamlNode): Error {
  return new Error(`expected ${what}, got ${describe(node)}`)
}

/** The error for a JSON value of the wrong type. */
export function expectedJson(what: string, value: unknown): Error {
  return new Error(`expected ${what}, got ${JSON.stringify(value)}`)
}
