import { longestDelay } from './clock.ts'
import type { Random } from './random.ts'

/** What one step of the engine computes, all that its cost depends on. */
export class StepShape {
  /** All scheduled tokens, drafts included. */
  tokens = 0
  /** Sequences that decode. */
  decodes = 0
  /** Tokens of all other sequences. */
  prefillTokens = 0
  /** Tokens whose keys and values the decodes read. */
  context = 0
  /** The longest of these contexts. */
  longest = 0
  /** Sum over the chunks of prefill: tokens times (tokens before the chunk + half of it). */
  attention = 0

  /** Adds a sequence that decodes. @param context its tokens computed before */
  decode(tokens: number, context: number): void {
    this.tokens += tokens
    this.decodes++
    this.context += context
    if (context > this.longest) this.longest = context
  }

  /** Adds a chunk of prefill. @param before tokens of the sequence computed before */
  prefill(tokens: number, before: number): void {
    this.tokens += tokens
    this.prefillTokens += tokens
    this.attention += tokens * (before + tokens / 2)
  }
}

/** Coefficients of the cost of a step; the unit is in the name, `ktok` are 1,000 tokens. */
export interface StepCoefficients {
  /** What every step costs. */
  readonly host_ms: number
  /** Beside it, when any sequence is in prefill. */
  readonly mixed_ms: number
  /** Reading the weights. */
  readonly weights_ms: number
  /** Computing a token. */
  readonly token_us: number
  /** A decoding sequence. */
  readonly seq_us: number
  /** Reading the context of the decodes. */
  readonly ctx_us_per_ktok: number
  /** Attention of prefill: a token times the context before it. */
  readonly pair_us_per_ktok: number
  /** What the longest context is above the mean. */
  readonly skew_us_per_ktok: number
  /** Pairs of tokens in the step and a factor of what weights and tokens cost; between them linear in the logarithm of the tokens. */
  readonly correction?: readonly (readonly [tokens: number, factor: number])[]
  /** Only the experts that a step's tokens touch are read. */
  readonly moe?: {
    /** Share of the weights that are experts. */
    readonly share: number
    readonly experts: number
    /** Experts of each token. */
    readonly active: number
  }
  /** What the first step after the start lasts longer. */
  readonly first_step_ms?: number
  /** Whether the second step is composed only after that time. */
  readonly first_step_blocks?: boolean
}

/**
 * How long a step of the engine lasts: a fixed part, the larger of reading the weights and computing the tokens (rounded
 * off where they meet), and what attention reads and computes.
 */
export class StepCost {
  readonly coefficients: StepCoefficients
  readonly #deviation: number
  readonly #random: Random | undefined

  /** @param deviation standard deviation of the logarithm of the time; its mean stays @param random what it is drawn from */
  constructor(coefficients: StepCoefficients, deviation = 0, random?: Random) {
    this.coefficients = coefficients
    this.#deviation = deviation
    this.#random = random
  }

  /** Milliseconds, at most `longestDelay`. Allocates nothing. */
  time(shape: StepShape): number {
    const c = this.coefficients
    const { tokens, decodes, context } = shape
    let time = c.host_ms + smoothMax(this.#weights(tokens), (c.token_us * tokens) / 1e3) * this.#correction(tokens)
    time += (c.seq_us * decodes) / 1e3 + (c.ctx_us_per_ktok * context + c.pair_us_per_ktok * shape.attention) / 1e6
    if (shape.prefillTokens > 0) time += c.mixed_ms
    if (decodes > 0) time += (c.skew_us_per_ktok * (shape.longest - context / decodes)) / 1e6
    const deviation = this.#deviation
    if (deviation > 0 && this.#random) time *= Math.exp(this.#random.normal(-(deviation ** 2) / 2, deviation))
    return Math.min(time, longestDelay)
  }

  #weights(tokens: number): number {
    const { weights_ms, moe } = this.coefficients
    if (!moe) return weights_ms
    return weights_ms * (1 - moe.share * (1 - moe.active / moe.experts) ** tokens)
  }

  #correction(tokens: number): number {
    const { correction } = this.coefficients
    if (!correction || correction.length === 0) return 1
    let at = correction.findIndex(([upTo]) => upTo >= tokens)
    if (at === 0) return correction[0]![1]
    if (at < 0) return correction.at(-1)![1]
    const [from, low] = correction[--at]!
    const [to, high] = correction[at + 1]!
    return low + ((high - low) * Math.log(tokens / from)) / Math.log(to / from)
  }
}

/** (a^6 + b^6)^(1/6), without overflow. */
function smoothMax(a: number, b: number): number {
  const larger = Math.max(a, b)
  if (larger === 0) return 0
  const ratio = Math.min(a, b) / larger
  const square = ratio * ratio
  return larger * (1 + square * square * square) ** (1 / 6)
}
