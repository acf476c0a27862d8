import type { Random } from '@vllm-sim/core-engine'
import type { Budget, Text } from '@vllm-sim/structured-output'
import type { ServingContext } from '../context.ts'
import { AT_ONCE, exactTokens, type PartTokens, textTokens } from './exact-tokens.ts'
import type { Maker } from './generators.ts'
import { structured } from './structured.ts'

/** Characters that are made into tokens for one step of a budget. */
const TOKENIZED_PER_STEP = 8

/** Makes texts for the answers of one request, from one maker. */
export class TextPlanner {
  readonly #maker: Maker
  readonly #work: Budget
  readonly #context: ServingContext
  /** The known text, which all answers share. */
  #known: PartTokens | undefined

  /** @param work pays for the texts of all answers of the request; when it is used up, they all get the known text */
  constructor(maker: Maker, work: Budget, context: ServingContext) {
    this.#maker = maker
    this.#work = work
    this.#context = context
  }

  /** A random text; a shortest one when that is long or has more than `maxTokens` tokens. */
  plan(random: Random, maxTokens: number): PartTokens {
    const { texts } = this.#maker
    const before = this.#work.left
    try {
      const tokens = this.#tokens(texts.generate(random, this.#work))
      if (tokens && tokens.tokens.length <= maxTokens) return tokens
      const small = this.#tokens(texts.smallest(random, this.#work))
      if (small) return small
    } catch (error) {
      if (!(error instanceof structured().WorkError)) throw error
    } finally {
      this.#maker.spent += before - this.#work.left
    }
    return (this.#known ??= textTokens(texts.known, this.#context))
  }

  /** @returns undefined for a long text */
  #tokens(text: Text): PartTokens | undefined {
    if (text.length > AT_ONCE) return undefined
    this.#work.spend(text.length / TOKENIZED_PER_STEP)
    return { tokens: exactTokens(text.toString(), this.#context) }
  }
}
