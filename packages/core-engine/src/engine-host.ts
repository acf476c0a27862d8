import type { LatencyModel, Timeline } from '@vllm-sim/latency'
import type { Admission } from './admission.ts'
import type { EngineCache } from './engine-cache.ts'
import type { EngineOptions } from './engine-options.ts'
import type { LoraRegistry } from './lora.ts'
import type { Pacer } from './pacer.ts'
import { perSequence, type SchedulingHost } from './scheduling.ts'
import type { Sequence } from './sequence.ts'

/** The engine as its admission and its pacer see it, which it makes. */
export class EngineHost implements SchedulingHost {
  readonly timeline: Timeline
  readonly loras: LoraRegistry
  readonly maxNumSeqs: number
  readonly maxWaiting: number
  readonly advance: (sequence: Sequence, due: number, now: number) => boolean
  readonly admission: Admission
  readonly pacer: Pacer
  latency: LatencyModel
  readonly #maxModelLen: number
  readonly #cache: EngineCache

  constructor(options: EngineOptions, loras: LoraRegistry, cache: EngineCache, advance: SchedulingHost['advance']) {
    this.timeline = options.timeline
    this.loras = loras
    this.maxNumSeqs = options.maxNumSeqs
    this.maxWaiting = options.maxWaiting
    this.advance = advance
    this.latency = options.latency
    this.#maxModelLen = options.maxModelLen
    this.#cache = cache
    const { admission, pacer } = (options.scheduling ?? perSequence)(this)
    this.admission = admission
    this.pacer = pacer
  }

  get running(): number {
    return this.admission.running
  }

  get waiting(): number {
    return this.admission.waiting
  }

  /** What the context cannot hold needs no blocks: it is to run into its error. */
  fits(sequence: Sequence): boolean {
    return sequence.promptTokens >= this.#maxModelLen || this.#cache.fits(sequence)
  }
}
