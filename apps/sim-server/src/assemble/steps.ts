import { type SchedulingFactory, type StepCache, stepScheduling } from '@vllm-sim/core-engine'
import { type Random, StepCost, seededRandom } from '@vllm-sim/latency'
import type { Config, StepSettings } from '../config/index.ts'
import { stepCache } from './cache.ts'

/** The steps that the sequences of an instance share. */
export class Steps {
  readonly cache: StepCache
  readonly scheduling: SchedulingFactory
  readonly #random: Random
  #cost: StepCost

  constructor(config: Config, settings: StepSettings) {
    this.#random = seededRandom(Number(config.seed), 'steps')
    this.#cost = this.#costOf(settings)
    this.cache = stepCache(config, settings)
    this.scheduling = stepScheduling({
      cache: this.cache,
      async: settings.async,
      arrivalDelay: settings.profile.arrival_ms,
      cost: () => this.#cost,
      maxNumBatchedTokens: settings.maxNumBatchedTokens,
      maxModelLen: config.maxModelLen,
      chunkedPrefill: config.enableChunkedPrefill,
      longPrefillTokenThreshold: config.longPrefillTokenThreshold,
      policy: config.schedulingPolicy,
      watermark: config.watermark,
      reserveFullInput: config.schedulerReserveFullIsl,
      maxLoras: config.maxLoras,
      numSpeculativeTokens: 0,
      numLookaheadTokens: 0,
    })
  }

  /** Steps last as these settings say from the next one on. */
  update(settings: StepSettings): void {
    this.#cost = this.#costOf(settings)
  }

  #costOf({ profile, deviation }: StepSettings): StepCost {
    return new StepCost(profile.cost, deviation, this.#random)
  }
}

/** The same with steps of a millisecond and enough blocks: for the warm-up. */
export function practiceSteps(settings: StepSettings, maxNumSeqs: number): StepSettings {
  const cost = {
    host_ms: 1,
    mixed_ms: 0,
    weights_ms: 0,
    token_us: 0,
    seq_us: 0,
    ctx_us_per_ktok: 0,
    pair_us_per_ktok: 0,
    skew_us_per_ktok: 0,
  }
  return { ...settings, profile: { ...settings.profile, cost, arrival_ms: 0 }, maxNumSeqs, numBlocks: 10_000 }
}
