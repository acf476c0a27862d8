import { randomBytes, randomInt } from 'node:crypto'

/** A stream of pseudo-random numbers. Two streams with the same seed are equal. */
export interface Random {
  /** Uniform in [0, 1), 32 bits. */
  next(): number
  /** Uniform integer from `min` to `max`, both included. */
  int(min: number, max: number): number
  /** True with a probability of `percent` in 100. Draws nothing at 0 and 100. */
  chance(percent: number): boolean
  /** Gaussian. Draws nothing when `deviation` is 0. */
  normal(mean: number, deviation: number): number
}

/** 128 bits of seed as four unsigned 32-bit words. */
export type Seed = readonly [number, number, number, number]

/** sfc32 by Chris Doty-Humphrey (PractRand): 128 bits of state, period at least 2^32, passes BigCrush. */
export class SeededRandom implements Random {
  #a: number
  #b: number
  #c: number
  #counter: number

  constructor(seed: Seed) {
    ;[this.#a, this.#b, this.#c, this.#counter] = seed
    for (let i = 0; i < 12; i++) this.next()
  }

  next(): number {
    const t = (this.#a + this.#b + this.#counter) | 0
    this.#counter = (this.#counter + 1) | 0
    this.#a = this.#b ^ (this.#b >>> 9)
    this.#b = (this.#c + (this.#c << 3)) | 0
    this.#c = ((this.#c << 21) | (this.#c >>> 11)) + t
    return (t >>> 0) / 4294967296
  }

  int(min: number, max: number): number {
    const span = max - min + 1
    if (span <= 4294967296) return min + Math.floor(this.next() * span)
    return min + Math.floor(((this.next() * 2097152 + this.next()) / 2097152) * span)
  }

  chance(percent: number): boolean {
    if (percent <= 0) return false
    return percent >= 100 || this.next() * 100 < percent
  }

  normal(mean: number, deviation: number): number {
    if (deviation === 0) return mean
    // Box and Muller (1958); 1 - u keeps the logarithm finite.
    const radius = Math.sqrt(-2 * Math.log(1 - this.next()))
    return mean + deviation * radius * Math.cos(2 * Math.PI * this.next())
  }
}

/**
 * Collects what a seed depends on. Words and strings go in, four well-mixed words come out. Not for secrets.
 * The mixing is that of MurmurHash3's 32-bit finalizer on four lanes.
 */
export class SeedBuilder {
  #a = 0x9e3779b9
  #b = 0x243f6a88
  #c = 0xb7e15162
  #d = 0xdeadbeef

  /** Adds a number: the whole part as 53 bits and, when there is one, the fraction. */
  add(value: number): this {
    this.#word(value | 0)
    if (value < -2147483648 || value > 2147483647) this.#word(Math.floor(value / 4294967296) | 0)
    const fraction = value % 1
    if (fraction !== 0) this.#word((fraction * 4294967296) | 0)
    return this
  }

  /** Adds a string, its length included. */
  text(value: string): this {
    this.#word(value.length)
    for (let i = 0; i < value.length; i++) this.#word(value.charCodeAt(i))
    return this
  }

  /** Adds a list of integers, its length included. */
  list(values: ArrayLike<number>): this {
    this.#word(values.length)
    for (let i = 0; i < values.length; i++) this.#word(values[i]! | 0)
    return this
  }

  /** The seed of all that was added so far; more can be added afterwards. */
  seed(): Seed {
    return [mix(this.#a ^ this.#d), mix(this.#b ^ this.#a), mix(this.#c ^ this.#b), mix(this.#d ^ this.#c)]
  }

  #word(value: number): void {
    this.#a = Math.imul(this.#a ^ value, 0xcc9e2d51)
    this.#a = (this.#a << 15) | (this.#a >>> 17)
    this.#b = (Math.imul(this.#b ^ this.#a, 0x1b873593) + this.#c) | 0
    this.#c = (Math.imul(this.#c ^ (value + this.#b), 0x85ebca6b) + this.#d) | 0
    this.#d = ((this.#d << 13) | (this.#d >>> 19)) ^ this.#c ^ value
  }
}

function mix(value: number): number {
  let h = value
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b)
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35)
  return (h ^ (h >>> 16)) >>> 0
}

/** A random stream that depends on nothing but these words and strings. */
export function seededRandom(...parts: (number | string)[]): Random {
  const builder = new SeedBuilder()
  for (const part of parts) typeof part === 'number' ? builder.add(part) : builder.text(part)
  return new SeededRandom(builder.seed())
}

/** A server seed for when none was given: a safe integer from the system's entropy. */
export function freshSeed(): number {
  return randomInt(2 ** 47)
}

/** `size` random bytes from the system's entropy, for keys and certificate serial numbers. */
export function freshBytes(size: number): Uint8Array {
  return randomBytes(size)
}
