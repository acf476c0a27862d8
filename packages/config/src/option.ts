import type { ValueType } from './types/value-type.ts'

/** What a row of the table may say beyond its type and help. */
export interface OptionDetails<T> {
  /** One or two sentences for `--help` and the documentation, without a final full stop. */
  readonly help: string
  /** Smallest and largest value, both included. */
  readonly min?: number
  readonly max?: number
  /** The value must be greater than this. */
  readonly above?: number
  /** The only values allowed. */
  readonly oneOf?: readonly T[]
  /** Error when the range is violated; `{}` stands for the value. A general text when absent. */
  readonly error?: string
  /** Environment variable that counts when the flag was not given. */
  readonly env?: string
  /** Short forms, without their dash. */
  readonly short?: readonly string[]
  /** Can be changed while the program runs. What the word means is the program's business, for example what to make anew. */
  readonly live?: string
  /** Part of the program's view of its configuration that other programs rely on. */
  readonly shown?: boolean
  /** Never shown to anyone: a key, a token. */
  readonly secret?: boolean
  /** Other words that people know it by, for suggestions. */
  readonly knownAs?: readonly string[]
  /** On the command line a word that begins with `--`, or is empty, is not its value. */
  readonly plainWord?: boolean
  /** Of several occurrences on the command line the first one counts. */
  readonly firstCounts?: boolean
  /** Its short form with dotted pieces or a JSON object, `-O.mode 3`, is meant for this option. */
  readonly settingsOf?: string
  /** Not allowed in a YAML file. */
  readonly commandLineOnly?: boolean
  /** Accepted without effect when `none`. */
  readonly effect?: 'works' | 'none'
  /** Default as documented, where `default` does not tell it. */
  readonly defaultText?: string
}

/** A row of the option table. */
export interface Option<T = unknown> extends Omit<OptionDetails<T>, 'effect'> {
  readonly type: ValueType<unknown>
  readonly default: T
  readonly effect: 'works' | 'none'
}

/** Options of one subject. */
export interface OptionGroup<O extends Readonly<Record<string, Option>> = Readonly<Record<string, Option>>> {
  readonly title: string
  readonly options: O
}

/** A group of rows by option name. */
export function group<const O extends Readonly<Record<string, Option>>>(title: string, options: O): OptionGroup<O> {
  return { title, options }
}

/** An option that always has a value. */
export function option<T>(
  type: ValueType<T>,
  details: NoInfer<OptionDetails<T>> & { readonly default: NoInfer<T> },
): Option<T> {
  return { effect: 'works', ...details, type }
}

/** An option without a default. */
export function optional<T>(type: ValueType<T>, details: NoInfer<OptionDetails<T>>): Option<T | undefined> {
  return { effect: 'works', ...details, type, default: undefined }
}

/** An option of vLLM that means nothing to a simulator, or not yet: accepted, named in the log when given. */
export function ignored<T>(
  type: ValueType<T>,
  help: string,
  details: Partial<OptionDetails<T>> = {},
): Option<T | undefined> {
  return { ...details, help, effect: 'none', type, default: undefined }
}
