import type { Random } from './random.ts'

/** All times in milliseconds, fractions allowed; deviations are standard deviations. */
export interface LatencyOptions {
  /** `''` chooses per delay: the constant form when its option is set, otherwise the per-token form. */
  readonly calculator: '' | 'constant' | 'per-token'
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

/** No delay of any kind and no load factor: where options begin that set only a few. One slot. */
export const noLatency: LatencyOptions = {
  calculator: '',
  timeToFirstToken: 0,
  timeToFirstTokenDeviation: 0,
  interTokenLatency: 0,
  interTokenLatencyDeviation: 0,
  kvTransferLatency: 0,
  kvTransferLatencyDeviation: 0,
  prefillOverhead: 0,
  prefillTimePerToken: 0,
  prefillTimeDeviation: 0,
  kvTransferTimePerToken: 0,
  kvTransferTimeDeviation: 0,
  timeFactorUnderLoad: 1,
  maxNumSeqs: 1,
}

/** What a prefill's duration depends on. */
export interface PrefillWork {
  /** All prompt tokens. */
  readonly promptTokens: number
  /** Prompt tokens whose KV blocks were found in the cache. */
  readonly cachedTokens: number
  /** The KV cache comes from another instance (`do_remote_prefill`): a transfer instead of a prefill. */
  readonly remotePrefill: boolean
}

/** Says how long the parts of a request take. Pure but for the random stream it is handed. */
export interface LatencyModel {
  /**
   * Time from being scheduled to the first token, in milliseconds.
   * @param running sequences that run at this moment, this one included
   */
  firstToken(work: PrefillWork, running: number, random: Random): number
  /** Time from one token to the next, in milliseconds. */
  interToken(running: number, random: Random): number
}

/**
 * A sample around `mean`, never outside 0.3 to 1.7 times the mean: a value beyond is set to the border.
 * Without deviation, or with a mean of 0, no random number is drawn.
 */
export function sampleDelay(mean: number, deviation: number, random: Random): number {
  if (mean === 0 || deviation === 0) return mean
  return Math.min(Math.max(random.normal(mean, deviation), 0.3 * mean), 1.7 * mean)
}

/**
 * How much longer prefill and decode take with `running` of `slots` sequences: linear from 1 for a single one to
 * `factor` for a full server.
 */
export function loadFactor(factor: number, running: number, slots: number): number {
  if (slots <= 1 || factor === 1) return 1
  return 1 + ((factor - 1) * (Math.max(1, running) - 1)) / (slots - 1)
}

/** The latency models of llm-d-inference-sim: `constant`, `per-token`, and the default that chooses between them. */
export function latencyModel(options: LatencyOptions): LatencyModel {
  const o = options
  const load = (running: number): number => loadFactor(o.timeFactorUnderLoad, running, o.maxNumSeqs)
  const constantPrefill =
    o.calculator === 'constant' ||
    (o.calculator === '' && (o.timeToFirstToken !== 0 || o.timeToFirstTokenDeviation !== 0))
  const constantTransfer =
    o.calculator === 'constant' ||
    (o.calculator === '' && (o.kvTransferLatency !== 0 || o.kvTransferLatencyDeviation !== 0))

  return {
    firstToken(work, running, random) {
      if (work.remotePrefill) {
        return constantTransfer
          ? sampleDelay(o.kvTransferLatency, o.kvTransferLatencyDeviation, random)
          : sampleDelay(work.promptTokens * o.kvTransferTimePerToken, o.kvTransferTimeDeviation, random)
      }
      const factor = load(running)
      if (constantPrefill) return sampleDelay(o.timeToFirstToken * factor, o.timeToFirstTokenDeviation, random)
      const tokens = Math.max(0, work.promptTokens - work.cachedTokens)
      return sampleDelay((o.prefillOverhead + tokens * o.prefillTimePerToken) * factor, o.prefillTimeDeviation, random)
    },
    interToken(running, random) {
      return sampleDelay(o.interTokenLatency * load(running), o.interTokenLatencyDeviation, random)
    },
  }
}
