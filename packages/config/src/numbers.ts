import { quote } from './errors.ts'

const INT64_MAX = 2n ** 63n - 1n
const INT64_MIN = -(2n ** 63n)

/** Characters of a number or duration: reading millions of digits takes seconds. */
export const longestNumber = 1000

/** Reads a 64-bit integer: an optional sign and decimal digits, or `0x` and hexadecimal ones. */
export function parseInt64(text: string): bigint {
  if (text.length > longestNumber) {
    const beginning = quote(`${text.slice(0, 40)}…`)
    throw new Error(`strconv.ParseInt: parsing ${beginning}: longer than ${longestNumber} characters`)
  }
  const match = /^([+-]?)(\d+|0[xX][\da-fA-F]+)$/.exec(text)
  if (match === null) throw new Error(`strconv.ParseInt: parsing ${quote(text)}: invalid syntax`)
  const value = match[1] === '-' ? -BigInt(match[2]!) : BigInt(match[2]!)
  if (value > INT64_MAX || value < INT64_MIN) {
    throw new Error(`strconv.ParseInt: parsing ${quote(text)}: value out of range`)
  }
  return value
}

/** The same as a double: exact up to 2^53, beyond that the nearest one. */
export function parseInteger(text: string): number {
  return Number(parseInt64(text))
}

const HUMAN_SCALES: Readonly<Record<string, number>> = {
  k: 1e3,
  m: 1e6,
  g: 1e9,
  t: 1e12,
  K: 2 ** 10,
  M: 2 ** 20,
  G: 2 ** 30,
  T: 2 ** 40,
}

/**
 * Reads an integer as vLLM's `human_readable_int` does: `1k` is 1000, `1K` is 1024, `25.6k` is 25600. Only the decimal
 * (lower-case) suffixes take a fraction.
 */
export function parseHumanInteger(text: string): number {
  const match = /^(\d+)(\.\d+)?([kmgtKMGT])$/.exec(text.trim())
  if (match === null) return parseInteger(text)
  const [, whole = '', fraction = '', suffix = ''] = match
  if (fraction !== '' && suffix !== suffix.toLowerCase()) {
    throw new Error(`strconv.ParseInt: parsing ${quote(text)}: a fraction needs a lower-case suffix`)
  }
  const value = Math.trunc(Number((Number(whole + fraction) * HUMAN_SCALES[suffix]!).toPrecision(15)))
  if (value > Number.MAX_SAFE_INTEGER) throw new Error(`strconv.ParseInt: parsing ${quote(text)}: value out of range`)
  return value
}

/** Reads a finite decimal number, with or without exponent. */
export function parseFloat64(text: string): number {
  if (!/^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$/.test(text)) {
    throw new Error(`strconv.ParseFloat: parsing ${quote(text)}: invalid syntax`)
  }
  const value = Number(text)
  if (!Number.isFinite(value)) throw new Error(`strconv.ParseFloat: parsing ${quote(text)}: value out of range`)
  return value
}

const BOOLEAN_WORDS: ReadonlyMap<string, boolean> = new Map([
  ...['1', 't', 'T', 'true', 'TRUE', 'True'].map(word => [word, true] as const),
  ...['0', 'f', 'F', 'false', 'FALSE', 'False'].map(word => [word, false] as const),
])

/** One of Go's boolean words, or undefined. */
export function booleanWord(text: string): boolean | undefined {
  return BOOLEAN_WORDS.get(text)
}

/** Shortest text of a double as Go's `%g` prints it: exponent form below 1e-4 and from 1e6 on, as in `1e+06`. */
export function formatShortest(value: number): string {
  const [mantissa = '', exponentText = '0'] = value.toExponential().split('e')
  const exponent = Number(exponentText)
  if (value === 0 || (exponent >= -4 && exponent < 6)) return plainDecimal(value)
  return `${mantissa}e${exponent < 0 ? '-' : '+'}${Math.abs(exponent).toString().padStart(2, '0')}`
}

/** JavaScript changes to exponent form only below 1e-6, so the range asked for here prints plainly. */
function plainDecimal(value: number): string {
  return Object.is(value, -0) ? '0' : String(value)
}
