import { type Budget, GrammarError } from '../errors.ts'
import { normalize } from '../regex/charset.ts'
import { compileRegex } from '../regex/regex.ts'
import type { Grammar, Part } from './part.ts'
import { Scanner, unescaped } from './scanner.ts'

const BLANK = /(?:[ \t\f\r]+|(?:\/\/|#)[^\n]*|\n(?=\s*\|)|\\\n)+/y
const LINES = /(?:\s+|(?:\/\/|#)[^\n]*)+/y
const HEAD = /[?!]*\s*([A-Za-z_]\w*)(?:\.-?\d+)?\s*:/y
const TEMPLATE = /[?!]*\s*[A-Za-z_]\w*\s*\{/y
const IMPORT = /%import[ \t]+([\w.]+)(?:[ \t]*\(([^)\n]*)\)|[ \t]*->[ \t]*(\w+))?/y
const IGNORE = /%ignore[ \t]+/y
const NAME = /[A-Za-z_]\w*/y
const STRING = /"((?:[^"\\\n]|\\.)*)"(i?)/y
const REGEX = /\/((?:[^/\\\n]|\\.)+)\/([imslux]*)/y
const COUNT = /~[ \t]*(\d+)(?:[ \t]*\.\.[ \t]*(\d+))?/y

/** Lark's library of terminals (lark/grammars/common.lark), as regular expressions. */
const COMMON: Readonly<Record<string, string>> = {
  DIGIT: '[0-9]',
  HEXDIGIT: '[0-9a-fA-F]',
  INT: '[0-9]+',
  SIGNED_INT: '[+-]?[0-9]+',
  DECIMAL: '([0-9]+\\.[0-9]*|\\.[0-9]+)',
  FLOAT: '([0-9]+[eE][+-]?[0-9]+|[0-9]+\\.[0-9]+([eE][+-]?[0-9]+)?)',
  SIGNED_FLOAT: '[+-]?[0-9]+\\.[0-9]+',
  NUMBER: '[0-9]+(\\.[0-9]+)?',
  SIGNED_NUMBER: '[+-]?[0-9]+(\\.[0-9]+)?',
  ESCAPED_STRING: '"[a-zA-Z0-9 ]*"',
  LCASE_LETTER: '[a-z]',
  UCASE_LETTER: '[A-Z]',
  LETTER: '[a-zA-Z]',
  WORD: '[a-zA-Z]+',
  CNAME: '[a-zA-Z_][a-zA-Z0-9_]*',
  WS_INLINE: '[ \\t]+',
  WS: '[ \\t\\f\\r\\n]+',
  CR: '\\r',
  LF: '\\n',
  NEWLINE: '(\\r?\\n)+',
}

/**
 * Reads a Lark grammar: rules and terminals, strings, regular expressions, ranges, groups, `[ ]`, `* + ? ~n..m`,
 * aliases, priorities, `%import common.…` and `%ignore`. The first text to derive is `start`.
 * @throws GrammarError with the line, also for templates and other directives.
 */
export function parseLark(source: string, budget: Budget): Grammar {
  const scanner = new LarkScanner(source, budget)
  const rules = new Map<string, Part>()
  const ignored: Part[] = []
  for (scanner.take(LINES); !scanner.done; scanner.take(LINES)) {
    const imported = scanner.take(IMPORT)
    if (imported) {
      importTerminals(scanner, imported, rules)
      continue
    }
    if (scanner.take(IGNORE)) {
      ignored.push(alternatives(scanner))
      continue
    }
    if (scanner.sees(/%/y)) throw scanner.fail('of the directives only %import common.… and %ignore are supported')
    if (scanner.sees(TEMPLATE)) throw scanner.fail('templates are not supported')
    const head = scanner.take(HEAD)
    if (!head) throw scanner.fail('a rule `name: …` is expected')
    if (rules.has(head[1]!)) throw scanner.fail(`${head[1]} is defined twice`)
    rules.set(head[1]!, alternatives(scanner))
  }
  return { rules, start: 'start', spaced: ignored.some(part => isBlank(part, rules)) }
}

class LarkScanner extends Scanner {
  readonly #budget: Budget

  constructor(source: string, budget: Budget) {
    super(source)
    this.#budget = budget
  }

  /** The part that a regular expression means. */
  pattern(source: string, flags: string): Part {
    const pattern = compileRegex(source, flags, this.#budget)
    return { kind: 'pattern', pattern, shortest: pattern.smallest(undefined, this.#budget).length }
  }
}

function importTerminals(scanner: LarkScanner, [, path, list, alias]: RegExpExecArray, rules: Map<string, Part>): void {
  const names = list === undefined ? [path!.split('.').at(-1)!] : list.split(',').map(name => name.trim())
  const library = list === undefined ? path!.split('.').slice(0, -1).join('.') : path
  for (const name of names) {
    const pattern = Object.hasOwn(COMMON, name) ? COMMON[name] : undefined
    if (library !== 'common' || pattern === undefined) throw scanner.fail(`%import ${library}.${name} is not supported`)
    rules.set(alias ?? name, scanner.pattern(pattern, ''))
  }
}

function alternatives(scanner: LarkScanner): Part {
  const parts: Part[] = []
  scanner.take(BLANK)
  scanner.take(/\|/y)
  do {
    scanner.take(BLANK)
    parts.push(sequence(scanner))
    if (scanner.take(/->[ \t]*\w+/y)) scanner.take(BLANK)
  } while (scanner.take(/\|/y))
  return parts.length === 1 ? parts[0]! : { kind: 'any', parts }
}

function sequence(scanner: LarkScanner): Part {
  const parts: Part[] = []
  for (let part = element(scanner); part; part = element(scanner)) {
    scanner.take(BLANK)
    parts.push(repeated(scanner, part))
    scanner.take(BLANK)
  }
  return parts.length === 1 ? parts[0]! : { kind: 'all', parts }
}

function element(scanner: LarkScanner): Part | undefined {
  const string = scanner.take(STRING)
  if (string) {
    const low = unescaped(string[1]!)
    if (!scanner.take(/[ \t]*\.\.[ \t]*/y)) return { kind: 'text', text: low }
    const high = scanner.take(STRING)
    const ends = [low.codePointAt(0), high ? unescaped(high[1]!).codePointAt(0) : undefined]
    if (ends[0] === undefined || ends[1] === undefined)
      throw scanner.fail('a range needs two characters, as in "a".."z"')
    return { kind: 'set', set: normalize(ends as number[]) }
  }
  const regex = scanner.take(REGEX)
  if (regex) return scanner.pattern(regex[1]!.replaceAll('\\/', '/'), regex[2]!)
  const name = scanner.take(NAME)
  if (name) {
    if (scanner.sees(/\{/y)) throw scanner.fail('templates are not supported')
    return { kind: 'rule', name: name[0] }
  }
  for (const [open, close] of [
    [/\(/y, /\s*\)/y],
    [/\[/y, /\s*\]/y],
  ] as const) {
    if (!scanner.take(open)) continue
    scanner.take(LINES)
    const inner = alternatives(scanner)
    if (!scanner.take(close)) throw scanner.fail(`a closing ${close.source.slice(-1)} is expected`)
    return close.source.endsWith(']') ? { kind: 'repeat', part: inner, min: 0, max: 1 } : inner
  }
  if (scanner.done || scanner.sees(/\s*[|)\]]|->|\n/y)) return undefined
  throw scanner.fail('this is not part of the notation')
}

function repeated(scanner: LarkScanner, part: Part): Part {
  const sign = scanner.take(/[*+?]/y)
  if (sign) {
    return { kind: 'repeat', part, min: sign[0] === '+' ? 1 : 0, max: sign[0] === '?' ? 1 : Number.POSITIVE_INFINITY }
  }
  const count = scanner.take(COUNT)
  if (!count) return part
  const [min, max] = [Number(count[1]), Number(count[2] ?? count[1])]
  if (min > max) throw new GrammarError(`a repetition from ${min} to ${max} is empty`)
  return { kind: 'repeat', part, min, max }
}

/** Whether what is ignored is white space. */
function isBlank(part: Part, rules: ReadonlyMap<string, Part>, seen = new Set<Part>()): boolean {
  const known = part.kind === 'rule' ? rules.get(part.name) : part
  // A part that was looked at before is not blank, or the search had ended.
  if (!known || seen.has(known)) return false
  seen.add(known)
  if (known.kind === 'pattern') return /^\s+$/.test(known.pattern.smallest())
  return known.kind === 'text'
    ? /^\s+$/.test(known.text)
    : known.kind === 'any' && known.parts.some(one => isBlank(one, rules, seen))
}
