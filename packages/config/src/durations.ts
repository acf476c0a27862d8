import { longestNumber } from './numbers.ts'

/** Nanoseconds per unit of Go's duration syntax. Both the micro sign and the Greek letter mu are spelled out. */
const UNITS: ReadonlyMap<string, bigint> = new Map([
  ['ns', 1n],
  ['us', 1_000n],
  ['\u00b5s', 1_000n],
  ['\u03bcs', 1_000n],
  ['ms', 1_000_000n],
  ['s', 1_000_000_000n],
  ['m', 60_000_000_000n],
  ['h', 3_600_000_000_000n],
])

const LIMIT = 2n ** 63n

/**
 * Reads a duration in the syntax of Go's `time.ParseDuration`, such as `1h2m3.5s` or `-250us`.
 * @returns nanoseconds, finer digits dropped; exact up to 2^53 (about 104 days)
 * @throws Error with Go's wording, such as `time: missing unit in duration "100"`
 */
export function parseDuration(text: string): number {
  if (text.length > longestNumber) {
    const beginning = quoteBytes(text.slice(0, 40))
    throw new Error(`time: invalid duration ${beginning}…: longer than ${longestNumber} characters`)
  }
  const invalid = (): Error => new Error(`time: invalid duration ${quoteBytes(text)}`)
  const negative = text.startsWith('-')
  const body = negative || text.startsWith('+') ? text.slice(1) : text
  if (body === '0') return 0
  if (body === '') throw invalid()

  const pair = /(\d*)(\.\d*)?([^\d.]*)/y
  let total = 0n
  while (pair.lastIndex < body.length) {
    const [, whole = '', point = '', unit = ''] = pair.exec(body)!
    const fraction = point.slice(1)
    if (whole === '' && fraction === '') throw invalid()
    if (unit === '') throw new Error(`time: missing unit in duration ${quoteBytes(text)}`)
    const scale = UNITS.get(unit)
    if (scale === undefined) throw new Error(`time: unknown unit ${quoteBytes(unit)} in duration ${quoteBytes(text)}`)
    total += BigInt(whole || '0') * scale + (BigInt(fraction || '0') * scale) / 10n ** BigInt(fraction.length)
    if (total > LIMIT) throw invalid()
  }
  if (total === LIMIT && !negative) throw invalid()
  return total === 0n ? 0 : Number(negative ? -total : total)
}

/** Prints nanoseconds as Go's `Duration.String` does: `0s`, `1.5µs`, `1h0m0s`. */
export function formatDuration(nanoseconds: number): string {
  const sign = nanoseconds < 0 ? '-' : ''
  const ns = BigInt(Math.round(Math.abs(nanoseconds)))
  if (ns === 0n) return '0s'
  if (ns < 1_000n) return `${sign}${ns}ns`
  if (ns < 1_000_000n) return `${sign}${decimal(ns, 3)}\u00b5s`
  if (ns < 1_000_000_000n) return `${sign}${decimal(ns, 6)}ms`
  const minutes = ns / 60_000_000_000n
  const seconds = `${decimal(ns % 60_000_000_000n, 9)}s`
  if (minutes === 0n) return sign + seconds
  if (minutes < 60n) return `${sign}${minutes}m${seconds}`
  return `${sign}${minutes / 60n}h${minutes % 60n}m${seconds}`
}

/** `value` divided by ten to the power of `digits`, without trailing zeros. */
function decimal(value: bigint, digits: number): string {
  const scale = 10n ** BigInt(digits)
  const fraction = (value % scale).toString().padStart(digits, '0').replace(/0+$/, '')
  return fraction === '' ? `${value / scale}` : `${value / scale}.${fraction}`
}

/** Go's `time` package quotes every byte outside printable ASCII as `\xNN`. */
function quoteBytes(text: string): string {
  const escaped = [...new TextEncoder().encode(text)].map(byte => {
    if (byte < 0x20 || byte >= 0x80) return `\\x${byte.toString(16).padStart(2, '0')}`
    const character = String.fromCharCode(byte)
    return character === '"' || character === '\\' ? `\\${character}` : character
  })
  return `"${escaped.join('')}"`
}
