import type { Random } from '@vllm-sim/latency'
import type { FinishReason } from './request.ts'
import type { TextContext, TextMode, TextSource } from './text-source.ts'
import type { Token } from './token.ts'

/** The sentences that random answers consist of. Clients match them, so they are data and never change. */
export const presetSentences: readonly string[] = [
  'Testing@, #testing 1$ ,2%,3^, [4&*5], 6~, 7-_ + (8 : 9) / \\ < > . ',
  'Testing, testing 1,2,3. ',
  'I am fine, how are you today? ',
  'I am your AI assistant, how can I help you today? ',
  'Today is a nice sunny day. ',
  'The temperature here is twenty-five degrees centigrade. ',
  'Today it is partially cloudy and raining. ',
  'To be or not to be that is the question. ',
  'Alas, poor Yorick! I knew him, Horatio: A fellow of infinite jest ',
  'The rest is silence. ',
  'Give a man a fish and you feed him for a day; teach a man to fish and you feed him for a lifetime ',
]

/**
 * Answers of whole sentences, the last one cut to the drawn length.
 * @param sentences the tokens of each sentence, none of them empty
 */
export function randomMode(sentences: readonly (readonly Token[])[]): TextMode {
  return {
    open(context) {
      const length = answerLength(context)
      return new RandomText(sentences, context.random, length, length >= context.maxTokens ? 'length' : 'stop')
    },
  }
}

/** Endless-able text of `length` tokens from preset sentences. */
export class RandomText implements TextSource {
  readonly finishReason: FinishReason
  readonly #sentences: readonly (readonly Token[])[]
  readonly #random: Random
  #left: number
  #sentence: readonly Token[] = []
  #at = 0

  constructor(sentences: readonly (readonly Token[])[], random: Random, length: number, finishReason: FinishReason) {
    this.#sentences = sentences
    this.#random = random
    this.#left = length
    this.finishReason = finishReason
  }

  get done(): boolean {
    return this.#left <= 0
  }

  next(): Token {
    if (this.#at >= this.#sentence.length) {
      this.#sentence = this.#sentences[this.#random.int(0, this.#sentences.length - 1)]!
      this.#at = 0
    }
    this.#left--
    return this.#sentence[this.#at++]!
  }
}

/** Mean and standard deviation of the length without a limit, tokens. */
const freeLength = { mean: 40, deviation: 20 }
/** Below this many possible tokens the length is uniform. */
const uniformBelow = 20

/** Draws how many tokens an answer has, from 1 to `maxTokens`. */
export function answerLength(context: TextContext): number {
  const { random, maxTokens, limited, minTokens, ignoreEos } = context
  if (ignoreEos) return maxTokens
  const least = Math.min(Math.max(1, minTokens), maxTokens)
  if (limited) return Math.max(least, limitedLength(maxTokens, random))
  if (maxTokens < uniformBelow) return Math.max(least, random.int(1, maxTokens))
  for (;;) {
    const value = random.normal(freeLength.mean, freeLength.deviation)
    if (value < 1 || value > maxTokens) continue
    return Math.max(least, Math.round(value))
  }
}

/** Cumulative probability of the five ranges of length; the rest is the limit itself. */
const cumulative = [0.2, 0.5, 0.7, 0.75, 0.85]

/** The reference's histogram over 1 to `max`: five ranges below it and, with 15 %, `max` itself. */
export function limitedLength(max: number, random: Random): number {
  if (max <= 1) return max
  if (max <= 6) return random.int(1, max)
  const draw = random.next()
  if (draw > 0.85) return max
  const range = cumulative.findIndex(border => draw <= border)
  const [low, high] = lengthRange(max, range)
  return random.int(low, high)
}

/** Both ends, included, of range 0 to 4 of the histogram for a limit above 6. */
export function lengthRange(max: number, range: number): [number, number] {
  if (max <= 101) {
    const width = (max - 1) / 5
    return [Math.floor(width * range) + 1, Math.min(Math.floor(width * (range + 1)), max - 1)]
  }
  const ends = [20, 40, 60, max - 20, max - 1]
  return [range === 0 ? 1 : ends[range - 1]! + 1, ends[range]!]
}
