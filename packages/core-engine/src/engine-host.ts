import type { LatencyModel, Timeline } from '@vllm-sim/latency'
import type { Admission } from './admission.ts'
import type { EngineCache } from './engine-cache.ts'
import type { EngineOptions } from './engine-options.ts'
import type { RequestError } from './errors.ts'
import type { LoraRegistry } from './lora.ts'
import type { Pacer, PacerHost } from './pacer.ts'
import { perSequence, type SchedulingHost } from './scheduling.ts'
import type { Sequence } from './sequence.ts'

/** What a pacer calls the engine for. */
export type EngineCalls = Pick<PacerHost, 'advance' | 'open' | 'start' | 'preempted' | 'stepped' | 'refuse'>

/** The engine as its admission and its pacer see it, which it makes. */
export class EngineHost implements SchedulingHost {
  readonly timeline: Timeline
  readonly loras: LoraRegistry
  readonly maxNumSeqs: number
  readonly maxWaiting: number
  readonly advance: EngineCalls['advance']
  readonly admission: Admission
  readonly pacer: Pacer
  latency: LatencyModel
  readonly #maxModelLen: number
  readonly #cache: EngineCache
  readonly #calls: EngineCalls

  constructor(options: EngineOptions, loras: LoraRegistry, cache: EngineCache, calls: EngineCalls) {
    this.timeline = options.timeline
    this.loras = loras
    this.maxNumSeqs = options.maxNumSeqs
    this.maxWaiting = options.maxWaiting
    this.advance = calls.advance
    this.#calls = calls
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

  open(sequence: Sequence, now: number): boolean {
    return this.#calls.open(sequence, now)
  }

  start(sequence: Sequence, now: number): boolean {
    return this.#calls.start(sequence, now)
  }

  preempted(sequence: Sequence, now: number): void {
    this.#calls.preempted(sequence, now)
  }

  stepped(tokens: number, now: number): void {
    this.#calls.stepped(tokens, now)
  }

  refuse(sequence: Sequence, error: RequestError, now: number): void {
    this.#calls.refuse(sequence, error, now)
  }

  /** What the context cannot hold needs no blocks: it is to run into its error. */
  fits(sequence: Sequence): boolean {
    return sequence.promptTokens >= this.#maxModelLen || this.#cache.fits(sequence)
  }
}
