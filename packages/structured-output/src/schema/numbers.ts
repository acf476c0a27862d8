import type { Random } from '@vllm-sim/latency'

/** A range of numbers, both ends included. */
export interface Range {
  readonly min: number
  readonly max: number
}

/** What a schema demands of a number. Infinite bounds: none. */
export interface NumberRules {
  readonly minimum: number
  readonly maximum: number
  readonly multiples: readonly number[]
  readonly integer: boolean
}

/** Least number above `value`. */
export function nextUp(value: number): number {
  if (!Number.isFinite(value)) return value
  const bits = new BigInt64Array(new Float64Array([value === 0 ? 0 : value]).buffer)
  bits[0]! += value >= 0 ? 1n : -1n
  return new Float64Array(bits.buffer)[0]!
}

/** Greatest number below `value`. */
export function nextDown(value: number): number {
  return -nextUp(-value)
}

/**
 * `multipleOf` as validators compute it in floating point: the quotient is whole. So 0.3 is no multiple of 0.1, and
 * quotients from 1e21 on, which print with an exponent, are refused by Ajv.
 */
export function isMultiple(value: number, divisor: number): boolean {
  const quotient = value / divisor
  return Math.trunc(quotient) === quotient && Math.abs(quotient) < 1e21
}

/** How many multiples to either side of the end of a range are tried. */
const NEAR = 500
const TOO_LARGE = 10n ** 309n

/** A distance of `units` / 10^`digits`, which as a number is `size`. */
interface Step {
  readonly units: bigint
  readonly digits: number
  readonly size: number
}

/** Numbers that follow the rules. */
export class NumberDomain {
  readonly #rules: NumberRules
  #knownStep: Step | undefined
  #knownSmallest: { value: number | undefined } | undefined

  constructor(rules: NumberRules) {
    this.#rules = rules
  }

  /** Distance of candidates; undefined: every real number is one. */
  get #step(): Step | undefined {
    const { integer, multiples } = this.#rules
    if (!integer && multiples.length === 0) return undefined
    this.#knownStep ??= commonMultiple(integer ? [...multiples, 1] : multiples)
    return this.#knownStep
  }

  /** Whether the number follows the rules. */
  test(value: number): boolean {
    const { minimum, maximum, integer, multiples } = this.#rules
    if (value < minimum || value > maximum || !Number.isFinite(value)) return false
    return (!integer || Number.isInteger(value)) && multiples.every(divisor => isMultiple(value, divisor))
  }

  /** The number that is shortest to write among those tried; undefined when none is found. */
  smallest(): number | undefined {
    this.#knownSmallest ??= { value: this.#findSmallest() }
    return this.#knownSmallest.value
  }

  #findSmallest(): number | undefined {
    const { minimum, maximum } = this.#rules
    const near = Math.min(Math.max(0, minimum), maximum)
    const tries = [0, 1, 2, 5, 10, -1, Math.ceil(near), Math.floor(near), Math.round(near * 10) / 10, near]
    const found = tries.filter(value => this.test(value)).sort((a, b) => `${a}`.length - `${b}`.length)
    if (found.length > 0) return found[0]! === 0 ? 0 : found[0]
    return this.#nearest(near)
  }

  /**
   * A random number: in the schema's range, or in the given one as far as the schema sets none. `spread` widens the
   * sides that the schema leaves open, for lists that need many different numbers. Undefined when none is found.
   */
  random(random: Random, range: Range, spread = 0): number | undefined {
    const { low, high } = this.#window(range, spread)
    if (!(low <= high)) return undefined
    for (let attempt = 0; attempt < 20; attempt++) {
      const value = this.#step ? this.#draw(random, low, high) : between(random, low, high)
      if (value !== undefined && this.test(value)) return value === 0 ? 0 : value
    }
    return this.smallest()
  }

  /** Both ends of the range to draw from. */
  #window(range: Range, spread: number): { low: number; high: number } {
    const { minimum, maximum } = this.#rules
    const width = Math.max(range.max - range.min, this.#wide(range) ? this.#step!.size * 10 : 0) + spread
    const openLow = minimum === Number.NEGATIVE_INFINITY
    const openHigh = maximum === Number.POSITIVE_INFINITY
    if (!openLow && !openHigh) return { low: minimum, high: maximum }
    if (openLow && openHigh) return { low: range.min, high: range.min + width }
    if (openHigh)
      return {
        low: minimum,
        high: minimum <= range.max && spread === 0 && !this.#wide(range) ? range.max : finite(minimum + width),
      }
    return {
      low: maximum >= range.min && spread === 0 && !this.#wide(range) ? range.min : finite(maximum - width),
      high: maximum,
    }
  }

  /** Whether the step is so wide that the usual range has hardly a candidate. */
  #wide(range: Range): boolean {
    return this.#rules.multiples.length > 0 && this.#step!.size * 10 > range.max - range.min
  }

  #draw(random: Random, low: number, high: number): number | undefined {
    const { size } = this.#step!
    const [first, last] = [Math.ceil(low / size), Math.floor(high / size)]
    if (first > last) return undefined
    const count =
      last - first > Number.MAX_SAFE_INTEGER
        ? first + Math.floor(random.next() * (last - first))
        : random.int(first, last)
    return this.#candidate(count)
  }

  /** `count` steps: as the decimal number where validators accept that, otherwise as the floating-point product. */
  #candidate(count: number): number | undefined {
    const { units, digits, size } = this.#step!
    if (!Number.isFinite(count)) return undefined
    const decimal = Number(`${BigInt(count) * units}e-${digits}`)
    return this.test(decimal) ? decimal : this.test(count * size) ? count * size : undefined
  }

  /** A number of the domain close to one of its ends, by trying multiples in order. */
  #nearest(start: number): number | undefined {
    if (!this.#step) return undefined
    const from = Math.round(start / this.#step.size)
    for (let distance = 0; distance < NEAR; distance++) {
      for (const count of distance === 0 ? [from] : [from + distance, from - distance]) {
        const value = this.#candidate(count)
        if (value !== undefined) return value
      }
    }
    return undefined
  }
}

function between(random: Random, low: number, high: number): number {
  const value = low + random.next() * (high - low)
  return Number.isFinite(value) ? Math.min(high, Math.max(low, value)) : low / 2 + high / 2
}

function finite(value: number): number {
  return Math.max(-Number.MAX_VALUE, Math.min(Number.MAX_VALUE, value))
}

/** Least common multiple of decimal numbers: exactly, as units of a power of ten. */
function commonMultiple(divisors: readonly number[]): Step {
  const parsed = divisors.map(decimal)
  const digits = Math.max(...parsed.map(one => one.digits))
  let units = 1n
  for (const [index, one] of parsed.entries()) {
    const scaled = one.units * 10n ** BigInt(digits - one.digits)
    units = index === 0 ? scaled : (units / gcd(units, scaled)) * scaled
    // Larger than any number: only zero is left, and more of it would only be slow.
    if (units >= TOO_LARGE * 10n ** BigInt(digits)) break
  }
  return { units, digits, size: Number(`${units}e-${digits}`) }
}

/** The shortest decimal form of a positive number as an integer and a number of decimal places. */
function decimal(value: number): { units: bigint; digits: number } {
  const [mantissa = '1', exponent = '0'] = value.toExponential().split('e')
  const digits = (mantissa.split('.')[1]?.length ?? 0) - Number(exponent)
  const units = BigInt(mantissa.replace('.', ''))
  return digits >= 0 ? { units, digits } : { units: units * 10n ** BigInt(-digits), digits: 0 }
}

function gcd(a: bigint, b: bigint): bigint {
  let [x, y] = [a, b]
  while (y !== 0n) [x, y] = [y, x % y]
  return x
}
