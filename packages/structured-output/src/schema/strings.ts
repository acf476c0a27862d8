import type { Random } from '@vllm-sim/latency'
import { type Budget, RegexError, WorkError } from '../errors.ts'
import { CHARACTERS_PER_STEP, codePoints, own } from '../json.ts'
import type { TextGenerator } from '../regex/generate.ts'
import { TextConditions } from '../regex/regex.ts'
import { FORMATS } from './formats.ts'

/** What the reference answers for a string: one of these ten words. */
export const WORDS = [
  'testing',
  'hello',
  'Boston',
  'sunny',
  'temperature',
  'cloudy',
  'question',
  'Yorick',
  'silence',
  'lifetime',
] as const

/** Longest text that is made because a schema's minLength asks for it, in code points. */
const MAX_REQUIRED = 100_000

/** What a schema demands of a string. */
export interface StringRules {
  /** Code points. */
  readonly minLength: number
  readonly maxLength: number
  readonly patterns: readonly string[]
  readonly notPatterns: readonly string[]
  readonly formats: readonly string[]
}

/** Strings that follow the rules; tables are built when first needed. */
export class StringDomain {
  readonly #rules: StringRules
  readonly #formats: readonly string[]
  readonly #budget: Budget
  /** Strings of words that were made, by their first word. */
  readonly #words = new Map<string, string>()
  #source: TextGenerator | undefined
  #conditions: TextConditions | undefined
  #shortest: string | undefined

  /** @param budget pays for all work */
  constructor(rules: StringRules, budget: Budget) {
    this.#rules = rules
    this.#budget = budget
    this.#formats = rules.formats.filter(name => own(FORMATS, name) !== undefined)
  }

  get #free(): boolean {
    return this.#rules.patterns.length + this.#rules.notPatterns.length + this.#formats.length === 0
  }

  /** Whether the string follows the rules. A format is judged by the part of it that is generated. */
  test(text: string): boolean {
    const { minLength, maxLength } = this.#rules
    if (minLength > 0 || maxLength < text.length) {
      const length = codePoints(text)
      if (length < minLength || length > maxLength) return false
    }
    return this.#free || this.#all().test(text)
  }

  /** The shortest string. @throws RegexError when there is none. */
  smallest(): string {
    if (this.#shortest === undefined) {
      this.#shortest = this.#free
        ? this.#wordsFrom('', this.#rules.minLength, this.#checkedMax())
        : this.#pattern().smallest()
    }
    return this.#shortest
  }

  /** A random string; the higher `variety`, the less likely one that was made before. @throws RegexError when there is none. */
  random(random: Random, variety = 0): string {
    if (!this.#free) return this.#pattern().generate(random)
    const { minLength } = this.#rules
    const maxLength = this.#checkedMax()
    const fitting = WORDS.filter(word => word.length >= minLength && word.length <= maxLength)
    const word = fitting[random.int(0, Math.max(0, fitting.length - 1))]
    if (word !== undefined && variety === 0) return word
    const start = word ?? WORDS[random.int(0, WORDS.length - 1)]!
    if (variety === 0) return this.#wordsFrom(start, Math.max(minLength, Math.min(maxLength, start.length)), maxLength)
    // Words with a number, or where those are too long, letters at random.
    const numbered = `${start}${random.int(0, 10 ** Math.min(9, variety + 1))}`
    if (numbered.length >= minLength && numbered.length <= maxLength) return numbered
    const length = Math.min(maxLength, Math.max(minLength, Math.min(12, variety + 1)))
    this.#budget.spend(length / CHARACTERS_PER_STEP)
    return Array.from({ length: Math.min(length, 12) }, () => String.fromCharCode(97 + random.int(0, 25)))
      .join('')
      .padEnd(length, 'x')
  }

  /** Words one after another, beginning with `start`, made once: an instance may have a thousand of them. */
  #wordsFrom(start: string, min: number, max: number): string {
    let text = this.#words.get(start)
    if (text === undefined) {
      this.#budget.spend(min / CHARACTERS_PER_STEP)
      this.#words.set(start, (text = words(min, max, start)))
    }
    return text
  }

  #checkedMax(): number {
    const { minLength, maxLength } = this.#rules
    if (minLength > maxLength) throw new RegexError(`minLength ${minLength} is greater than maxLength ${maxLength}`)
    if (minLength > MAX_REQUIRED)
      throw new RegexError(`minLength ${minLength} asks for more than ${MAX_REQUIRED} characters`)
    return maxLength
  }

  #pattern(): TextGenerator {
    if (this.#source) return this.#source
    const { patterns, notPatterns } = this.#rules
    const max = this.#checkedMax()
    if (this.#formats.length === 1 && patterns.length + notPatterns.length === 0) {
      try {
        const plain = new TextConditions(this.#budget).matching(FORMATS[this.#formats[0]!]!.plain)
        this.#source = plain.generator(this.#rules.minLength, max)
        return this.#source
      } catch (error) {
        if (error instanceof WorkError) throw error
        // The pleasant texts have other lengths than the schema wants: the wide form decides.
      }
    }
    this.#source = this.#all().generator(this.#rules.minLength, max)
    return this.#source
  }

  /** All conditions but the lengths. */
  #all(): TextConditions {
    if (!this.#conditions) {
      const conditions = new TextConditions(this.#budget)
      for (const name of this.#formats) conditions.matching(FORMATS[name]!.wide)
      for (const source of this.#rules.patterns) conditions.containing(source)
      for (const source of this.#rules.notPatterns) conditions.containing(source, true)
      this.#conditions = conditions
    }
    return this.#conditions
  }
}

/** Words one after another, at least `min` and at most `max` characters. */
function words(min: number, max: number, start = ''): string {
  if (min === 0) return start.slice(0, max)
  const sentence = `${WORDS.join(' ')} `
  const text = start === '' ? '' : `${start} `
  return (text + sentence.repeat(Math.ceil(Math.max(0, min - text.length) / sentence.length)))
    .slice(0, Math.max(min, Math.min(start.length, max)))
    .replace(/ $/, 's')
}
