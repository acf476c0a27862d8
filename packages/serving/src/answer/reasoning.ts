import { type OutputPart, presetSentences, type Random, type Token } from '@vllm-sim/core-engine'
import type { ServingContext } from '../context.ts'

/** Tokens of the preset sentences, per way of making tokens. */
const sentences = new WeakMap<ServingContext['outputTokens'], Token[][]>()

function sentenceTokens(context: ServingContext): readonly Token[][] {
  let tokens = sentences.get(context.outputTokens)
  if (!tokens) {
    tokens = presetSentences.map(sentence => context.outputTokens(sentence))
    sentences.set(context.outputTokens, tokens)
  }
  return tokens
}

/** Makes the reasoning part of answers: preset sentences, the last one cut. */
export class Reasoning {
  readonly #context: ServingContext
  readonly #budget: number

  /** @param budget most tokens that the request allows */
  constructor(context: ServingContext, budget = Number.POSITIVE_INFINITY) {
    this.#context = context
    this.#budget = budget
  }

  /**
   * Reasoning of at most `room` tokens.
   * @returns undefined when this answer does without
   */
  plan(random: Random, room: number): OutputPart | undefined {
    const { percent, maxTokens } = this.#context.settings.reasoning
    const most = Math.floor(Math.min(maxTokens, this.#budget, room))
    if (!random.chance(percent) || most < 1) return undefined
    const length = random.int(1, most)
    const all = sentenceTokens(this.#context)
    const tokens: Token[] = []
    while (tokens.length < length) {
      for (const token of all[random.int(0, all.length - 1)]!.slice(0, length - tokens.length)) tokens.push(token)
    }
    return { kind: 'reasoning', tokens }
  }
}
