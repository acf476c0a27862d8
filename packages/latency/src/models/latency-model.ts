import type { Random } from '../random.ts'

/** What a delay may depend on. One object is used again and again: read it, never keep it. Lengths in tokens. */
export interface LatencyStep {
  /** Sequences that run at this moment, this one included. */
  readonly running: number
  /** Sequences that wait for a slot at this moment. */
  readonly waiting: number
  readonly promptTokens: number
  /** Prompt tokens whose KV blocks were found in the cache. */
  readonly cachedTokens: number
  /** Tokens whose keys and values the next step reads: the prompt and the output so far. */
  readonly contextTokens: number
  /** Output so far; 0 before the first token. */
  readonly outputTokens: number
  /** The KV cache comes from another instance (`do_remote_prefill`): a transfer instead of a prefill. */
  readonly remotePrefill: boolean
  /** The sequence's stream for delays. What is not drawn costs nothing; texts do not depend on it. */
  readonly random: Random
}

/** Says how long the parts of a request take. Pure but for the random stream of the step. */
export interface LatencyModel {
  /** Time from being scheduled to the first token, in milliseconds. */
  firstToken(step: LatencyStep): number
  /** Time from one token to the next, in milliseconds. */
  interToken(step: LatencyStep): number
}

/** All times in milliseconds, fractions allowed, at most `longestDelay`; deviations are standard deviations. */
export interface LatencyTimes {
  readonly timeToFirstToken: number
  readonly timeToFirstTokenDeviation: number
  readonly interTokenLatency: number
  readonly interTokenLatencyDeviation: number
  readonly kvTransferLatency: number
  readonly kvTransferLatencyDeviation: number
  readonly prefillOverhead: number
  readonly prefillTimePerToken: number
  readonly prefillTimeDeviation: number
  readonly kvTransferTimePerToken: number
  readonly kvTransferTimeDeviation: number
  /** Multiplier of prefill and inter-token times when all slots are busy, 1 or more. */
  readonly timeFactorUnderLoad: number
  /** Number of slots: where the load factor reaches its maximum. */
  readonly maxNumSeqs: number
}

/**
 * The names of the models, beside that of the default. Each model's file adds its own: a name without a row in the
 * registry does not compile, and neither does a model without a name.
 */
export interface LatencyModelNames {
  readonly '': true
}

/** The name of a latency model. */
export type LatencyCalculator = keyof LatencyModelNames

/** A row of the registry: one way to compute delays. */
export interface LatencyModelKind<Name extends LatencyCalculator = LatencyCalculator> {
  /** The value of `--latency-calculator`. */
  readonly name: Name
  /** What it is, for help and documentation: half a sentence, without a full stop. */
  readonly help: string
  create(times: LatencyTimes): LatencyModel
}
