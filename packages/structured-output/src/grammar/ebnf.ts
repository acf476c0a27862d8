import { complement, normalize } from '../regex/charset.ts'
import type { Grammar, Part } from './part.ts'
import { Scanner, unescaped } from './scanner.ts'

const BLANK = /(?:\s+|#[^\n]*)+/y
const HEAD = /([A-Za-z_][\w-]*)\s*::=/y
const NAME = /[A-Za-z_][\w-]*(?!\s*::=|[\w-])/y
const STRING = /"((?:[^"\\\n]|\\.)*)"|'((?:[^'\\\n]|\\.)*)'/y
const CLASS = /\[(\^?)((?:[^\]\\]|\\.)*)\]/y
const COUNT = /\{\s*(\d+)\s*(,?)\s*(\d*)\s*\}/y

/**
 * Reads the EBNF of xgrammar and llama.cpp: `name ::= …`, strings, classes, groups, `|`, `* + ?`, `{m,n}`, comments
 * after `#`. The first text to derive is `root`.
 * @throws GrammarError with the line.
 */
export function parseEbnf(source: string): Grammar {
  const scanner = new Scanner(source)
  const rules = new Map<string, Part>()
  scanner.take(BLANK)
  while (!scanner.done) {
    const head = scanner.take(HEAD)
    if (!head) throw scanner.fail('a rule `name ::= …` is expected')
    if (rules.has(head[1]!)) throw scanner.fail(`the rule ${head[1]} is defined twice`)
    scanner.take(BLANK)
    rules.set(head[1]!, alternatives(scanner))
  }
  return { rules, start: 'root', spaced: false }
}

function alternatives(scanner: Scanner): Part {
  const parts = [sequence(scanner)]
  while (scanner.take(/\|/y)) {
    scanner.take(BLANK)
    parts.push(sequence(scanner))
  }
  return parts.length === 1 ? parts[0]! : { kind: 'any', parts }
}

function sequence(scanner: Scanner): Part {
  const parts: Part[] = []
  for (let part = element(scanner); part; part = element(scanner)) parts.push(repeated(scanner, part))
  return parts.length === 1 ? parts[0]! : { kind: 'all', parts }
}

function element(scanner: Scanner): Part | undefined {
  const string = scanner.take(STRING)
  if (string) return { kind: 'text', text: unescaped(string[1] ?? string[2]!) }
  const name = scanner.take(NAME)
  if (name) return { kind: 'rule', name: name[0] }
  const set = scanner.take(CLASS)
  if (set) return characters(scanner, set[2]!, set[1] === '^')
  if (scanner.sees(/\(=/y)) throw scanner.fail('look-ahead (=…) is not supported')
  if (scanner.take(/\(/y)) {
    scanner.take(BLANK)
    const inner = alternatives(scanner)
    if (!scanner.take(/\)/y)) throw scanner.fail('a closing parenthesis is expected')
    return inner
  }
  if (scanner.done || scanner.sees(/[|)]/y) || scanner.sees(HEAD)) return undefined
  throw scanner.fail('this is not part of the notation')
}

function repeated(scanner: Scanner, part: Part): Part {
  scanner.take(BLANK)
  const sign = scanner.take(/[*+?]/y)
  const count = sign ? null : scanner.take(COUNT)
  if (!sign && !count) return part
  scanner.take(BLANK)
  const min = sign ? (sign[0] === '+' ? 1 : 0) : Number(count![1])
  const open = sign ? sign[0] !== '?' : count![2] === ',' && count![3] === ''
  const max = open ? Number.POSITIVE_INFINITY : sign ? 1 : count![3] === '' ? min : Number(count![3])
  if (min > max) throw scanner.fail(`a repetition from ${min} to ${max} is empty`)
  return { kind: 'repeat', part, min, max }
}

function characters(scanner: Scanner, body: string, negated: boolean): Part {
  const members = body.match(/\\(?:x[0-9a-fA-F]{2}|u[0-9a-fA-F]{4}|U[0-9a-fA-F]{8}|.)|./gsu) ?? []
  const ranges: number[] = []
  for (let i = 0; i < members.length; i++) {
    const low = unescaped(members[i]!).codePointAt(0)!
    const isRange = members[i + 1] === '-' && i + 2 < members.length
    const high = isRange ? unescaped(members[i + 2]!).codePointAt(0)! : low
    if (high < low) throw scanner.fail(`the range ${members[i]}-${members[i + 2]} is empty`)
    ranges.push(low, high)
    if (isRange) i += 2
  }
  const set = normalize(ranges)
  return { kind: 'set', set: negated ? complement(set) : set }
}
