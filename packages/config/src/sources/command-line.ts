import { CompleteError, ConfigError, quote, reasonOf } from '../errors.ts'
import { booleanWord } from '../numbers.ts'
import type { Option } from '../option.ts'
import type { OptionTable } from '../table.ts'
import { nearest } from './suggest.ts'

/** What the command line says. */
export interface CommandLine {
  /** Parsed values by option name, of the options that were given. */
  readonly values: ReadonlyMap<string, unknown>
  readonly warnings: readonly string[]
  /** Words that belong to no option, in order. */
  readonly positionals: readonly string[]
  /** The first word of all is one of them. */
  readonly startsWithPositional: boolean
  /** `--help` was given; the text after `--help=`, or empty. */
  readonly help?: string
  readonly version?: true
}

/** Reads the words after the program's name. Throws a ConfigError at the first word that cannot be used. */
export function parseCommandLine(table: OptionTable, argv: readonly string[]): CommandLine {
  return new CommandLineReader(table, argv).read()
}

/** An option as it was written: whether negated, the dotted path behind its name, and the text after `=`. */
interface Flag {
  readonly name: string
  readonly row: Option
  readonly negated: boolean
  readonly path: readonly string[]
  readonly text: string | undefined
}

class CommandLineReader {
  readonly #table: OptionTable
  readonly #argv: readonly string[]
  readonly #values = new Map<string, unknown>()
  readonly #warnings: string[] = []
  readonly #positionals: string[] = []
  #next = 0
  #firstIsPositional = false

  constructor(table: OptionTable, argv: readonly string[]) {
    this.#table = table
    // A leading "--" is what package managers put between their own flags and the script's.
    this.#argv = argv[0] === '--' ? argv.slice(1) : argv
  }

  read(): CommandLine {
    while (this.#next < this.#argv.length) {
      const word = this.#argv[this.#next++]!
      if (word === '--') {
        this.#positionals.push(...this.#argv.slice(this.#next))
        break
      }
      if (/^--help(=|$)/.test(word) || word === '-h') return this.#result({ help: word.split('=')[1] ?? '' })
      if (word === '--version') return this.#result({ version: true })
      if (!word.startsWith('-') || word === '-') {
        this.#firstIsPositional ||= this.#next === 1
        this.#positionals.push(word)
      } else this.#take(word.startsWith('--') ? longFlag(this.#table, word) : shortFlag(this.#table, word))
    }
    return this.#result({})
  }

  #result(extra: Pick<CommandLine, 'help' | 'version'>): CommandLine {
    return {
      values: this.#values,
      warnings: this.#warnings,
      positionals: this.#positionals,
      startsWithPositional: this.#firstIsPositional,
      ...extra,
    }
  }

  #take(flag: Flag): void {
    const { name, row, path, text } = flag
    if (path.length > 0) {
      const word = text ?? this.#value(name)
      const old = this.#values.get(name)
      this.#values.set(name, row.type.assign!(old, path, word))
      return
    }
    switch (row.type.arity) {
      case 'switch':
        this.#values.set(name, this.#switch(flag))
        break
      case 'many':
        this.#values.set(name, [...((this.#values.get(name) as unknown[]) ?? []), ...this.#list(flag)])
        break
      case 'maybe': {
        const follows = text === undefined && this.#wordFollows()
        this.#values.set(name, text ?? (follows ? this.#argv[this.#next++]! : ''))
        break
      }
      case 'one':
        this.#one(flag)
    }
  }

  #one({ name, row, text }: Flag): void {
    if (row.plainWord) {
      const word = text ?? (this.#peek()?.startsWith('--') ? '' : this.#value(name))
      if (word === '') throw new ConfigError(`flag needs an argument: --${name}`)
      if (row.firstCounts && this.#values.has(name)) {
        this.#warnings.push(`--${name} was given before; ${word} is ignored`)
      } else this.#values.set(name, this.#parse(name, row, word))
      return
    }
    this.#values.set(name, this.#parse(name, row, text ?? this.#value(name)))
  }

  #switch({ name, row, text, negated }: Flag): boolean {
    let word = text
    // "--enable-kvcache true" is written in manifests, so a boolean word that follows belongs to the switch.
    if (word === undefined && booleanWord(this.#peek() ?? '') !== undefined) word = this.#argv[this.#next++]
    const value = word === undefined || (this.#parse(negated ? `no-${name}` : name, row, word) as boolean)
    return negated ? !value : value
  }

  #list({ name, row, text }: Flag): unknown[] {
    const words = text === undefined ? [] : [text]
    while (text === undefined && this.#wordFollows()) words.push(this.#argv[this.#next++]!)
    return words.filter(word => word !== '').flatMap(word => this.#parse(name, row, word) as unknown[])
  }

  #parse(name: string, row: Option, word: string): unknown {
    try {
      return row.type.parse(word, remark => this.#warnings.push(`--${name}: ${remark}`))
    } catch (error) {
      if (error instanceof ConfigError || error instanceof CompleteError) throw new ConfigError(reasonOf(error))
      const letter = row.short?.find(short => short.length === 1)
      const shown = letter === undefined ? `--${name}` : `-${letter}, --${name}`
      throw new ConfigError(`invalid argument ${quote(word)} for "${shown}" flag: ${reasonOf(error)}`)
    }
  }

  #value(name: string): string {
    if (this.#next >= this.#argv.length) throw new ConfigError(`flag needs an argument: --${name}`)
    return this.#argv[this.#next++]!
  }

  #peek(): string | undefined {
    return this.#argv[this.#next]
  }

  #wordFollows(): boolean {
    return this.#peek()?.startsWith('-') === false
  }
}

function longFlag(table: OptionTable, word: string): Flag {
  if (/^--[-=]/.test(word)) throw new ConfigError(`bad flag syntax: ${word}`)
  const { name: written, text } = split(word.slice(2))
  const flag = findFlag(table, written, text)
  if (flag === undefined) {
    throw new ConfigError(`unknown flag: --${written}, did you mean --${suggestion(table, written)}?`)
  }
  return flag
}

/** The option for a name as written, or undefined. Underscores equal dashes; `no-` negates switches. */
function findFlag(table: OptionTable, written: string, text: string | undefined): Flag | undefined {
  const [head = '', ...path] = written.split('.')
  const name = normalize(head)
  const row = table.rows.get(name)
  if (row !== undefined) {
    if (path.length > 0 && row.type.assign === undefined) return undefined
    return { name, row, negated: false, path: path.map(key => key.replaceAll('-', '_')), text }
  }
  const positive = table.rows.get(name.slice(3))
  if (!name.startsWith('no-') || path.length > 0 || positive?.type.arity !== 'switch') return undefined
  return { name: name.slice(3), row: positive, negated: true, path: [], text }
}

/**
 * Short forms: those of vLLM have several letters (`-tp 2`, `-cc.mode 3`); a single letter takes its value attached,
 * too (`-O3`, `-v5`).
 */
function shortFlag(table: OptionTable, word: string): Flag {
  const { name: written, text } = split(word.slice(1))
  const [head = '', ...path] = written.split('.')
  const long = table.shortForms.get(head)
  const { settingsOf } = (long !== undefined && table.rows.get(long)) || {}
  const name = settingsOf !== undefined && (path.length > 0 || text?.startsWith('{')) ? settingsOf : long
  const flag = name === undefined ? undefined : findFlag(table, [name, ...path].join('.'), text)
  if (flag !== undefined) return flag
  const letter = word[1]!
  const attached = table.shortForms.get(letter)
  if (attached !== undefined && word.length > 2) return findFlag(table, attached, word.slice(2))!
  throw new ConfigError(`unknown shorthand flag: '${letter}' in ${word}, did you mean --${suggestion(table, written)}?`)
}

function split(body: string): { name: string; text: string | undefined } {
  const equals = body.indexOf('=')
  return equals < 0 ? { name: body, text: undefined } : { name: body.slice(0, equals), text: body.slice(equals + 1) }
}

function normalize(name: string): string {
  return name.replaceAll('_', '-')
}

/** The name that someone may have meant, found also by other words that people know an option by. */
function suggestion(table: OptionTable, written: string): string {
  const names = spellings(table)
  return names.get(nearest(normalize(written), names.keys()))!
}

/** The name that each word stands for: names, and words for them. */
function spellings(table: OptionTable): Map<string, string> {
  const names = new Map(['help', 'version'].map(name => [name, name]))
  for (const [name, { type, knownAs = [] }] of table.rows) {
    for (const word of [name, ...knownAs]) names.set(word, name)
    if (type.arity === 'switch') names.set(`no-${name}`, `no-${name}`)
  }
  return names
}
