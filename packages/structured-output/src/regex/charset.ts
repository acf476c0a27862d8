import type { Random } from '@vllm-sim/latency'

/**
 * A set of Unicode scalar values (no surrogates: they have no UTF-8 form) as flat, sorted, disjoint, inclusive ranges
 * `[low, high, low, high, …]`.
 */
export type CharSet = readonly number[]

const TOP = 0x10ffff

/** Every scalar value. */
export const ANY: CharSet = [0, 0xd7ff, 0xe000, TOP]
/** `\d` */
export const DIGIT: CharSet = [0x30, 0x39]
/** `\w` */
export const WORD: CharSet = [0x30, 0x39, 0x41, 0x5a, 0x5f, 0x5f, 0x61, 0x7a]
/** `\s`: WhiteSpace and LineTerminator of ECMA-262. */
export const SPACE: CharSet = [
  0x09, 0x0d, 0x20, 0x20, 0xa0, 0xa0, 0x1680, 0x1680, 0x2000, 0x200a, 0x2028, 0x2029, 0x202f, 0x202f, 0x205f, 0x205f,
  0x3000, 0x3000, 0xfeff, 0xfeff,
]
/** What `.` does not match. */
export const NEWLINE: CharSet = [0x0a, 0x0a, 0x0d, 0x0d, 0x2028, 0x2029]
const ALPHANUMERIC: CharSet = [0x30, 0x39, 0x41, 0x5a, 0x61, 0x7a]
const LOWER: CharSet = [0x61, 0x7a]
const PRINTABLE: CharSet = [0x20, 0x7e]
/** Letters and signs that every font has: what is chosen when ASCII is excluded. */
const COMMON: CharSet = [
  0xa1, 0xac, 0xae, 0x17f, 0x391, 0x3a1, 0x3a3, 0x3c9, 0x410, 0x44f, 0x3041, 0x3096, 0x4e00, 0x9fa5,
]

/** Sorts and joins ranges that may overlap, and takes the surrogates out. */
export function normalize(ranges: readonly number[]): CharSet {
  const pairs: [number, number][] = []
  for (let i = 0; i < ranges.length; i += 2) if (ranges[i]! <= ranges[i + 1]!) pairs.push([ranges[i]!, ranges[i + 1]!])
  pairs.sort((a, b) => a[0] - b[0])
  const joined: number[] = []
  for (const [low, high] of pairs) {
    const last = joined.length - 1
    if (last > 0 && low <= joined[last]! + 1) joined[last] = Math.max(joined[last]!, high)
    else joined.push(low, high)
  }
  return intersect(joined, ANY)
}

/** Members of either set. */
function union(a: CharSet, b: CharSet): CharSet {
  return normalize([...a, ...b])
}

/** Members of both sets. */
export function intersect(a: CharSet, b: CharSet): CharSet {
  const both: number[] = []
  for (let i = 0, j = 0; i < a.length && j < b.length; ) {
    const low = Math.max(a[i]!, b[j]!)
    const high = Math.min(a[i + 1]!, b[j + 1]!)
    if (low <= high) both.push(low, high)
    if (a[i + 1]! < b[j + 1]!) i += 2
    else j += 2
  }
  return both
}

/** All scalar values that are not in the set. */
export function complement(a: CharSet): CharSet {
  const rest: number[] = []
  let next = 0
  for (let i = 0; i < a.length; i += 2) {
    if (a[i]! > next) rest.push(next, a[i]! - 1)
    next = a[i + 1]! + 1
  }
  if (next <= TOP) rest.push(next, TOP)
  return intersect(rest, ANY)
}

/** Whether the set has the code point. */
export function has(set: CharSet, code: number): boolean {
  let low = 0
  let high = set.length / 2 - 1
  while (low <= high) {
    const middle = (low + high) >> 1
    if (code < set[2 * middle]!) high = middle - 1
    else if (code > set[2 * middle + 1]!) low = middle + 1
    else return true
  }
  return false
}

/** Number of members. */
export function size(set: CharSet): number {
  let count = 0
  for (let i = 0; i < set.length; i += 2) count += set[i + 1]! - set[i]! + 1
  return count
}

/** A uniform member. The set must not be empty. */
function uniform(set: CharSet, random: Random): number {
  let index = random.int(0, size(set) - 1)
  for (let i = 0; i < set.length; i += 2) {
    const width = set[i + 1]! - set[i]! + 1
    if (index < width) return set[i]! + index
    index -= width
  }
  return set[0]!
}

/**
 * A member that a person would find ordinary: from a wide set (such as that of `.`) a lower-case letter, otherwise
 * printable ASCII before letters of other scripts before anything else. The set must not be empty.
 */
export function pick(set: CharSet, random: Random): number {
  const printable = intersect(set, PRINTABLE)
  if (printable.length > 0) {
    const preferred = size(printable) > 70 ? intersect(set, LOWER) : intersect(set, ALPHANUMERIC)
    if (preferred.length > 0 && (size(printable) > 70 || random.chance(80))) return uniform(preferred, random)
    return uniform(printable, random)
  }
  const common = intersect(set, COMMON)
  return uniform(common.length > 0 ? common : set, random)
}

/** The member that `pick` would find most ordinary, without chance. The set must not be empty. */
export function first(set: CharSet): number {
  for (const tier of [LOWER, ALPHANUMERIC, PRINTABLE, COMMON]) {
    const within = intersect(set, tier)
    if (within.length > 0) return within[0]!
  }
  return set[0]!
}

/** The set with the other case of every letter added (simple case mapping, as flag `i`); wide ranges are left alone. */
export function foldCase(set: CharSet): CharSet {
  const more: number[] = []
  for (let i = 0; i < set.length; i += 2) {
    if (set[i + 1]! - set[i]! > 2048) continue
    for (let code = set[i]!; code <= set[i + 1]!; code++) {
      const text = String.fromCodePoint(code)
      for (const other of [text.toLowerCase(), text.toUpperCase()]) {
        const folded = other.codePointAt(0)!
        if (String.fromCodePoint(folded).length === other.length) more.push(folded, folded)
      }
    }
  }
  return more.length === 0 ? set : union(set, more)
}
