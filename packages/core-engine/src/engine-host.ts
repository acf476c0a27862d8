import type { LatencyModel, Timeline } from '@vllm-sim/latency'
import type { Admission } from './admission.ts'
import type { EngineCache } from './engine-cache.ts'
import type { EngineOptions } from './engine-options.ts'
import type { RequestError } from './errors.ts'
import { extraDelay, finishReason, generate, outcomeOf, prepare, prepareText } from './generation.ts'
import type { LoraRegistry } from './lora.ts'
import type { Observers } from './observers.ts'
import type { Pacer } from './pacer.ts'
import { Pump } from './pump.ts'
import type { FinishReason, KvTransferParams } from './request.ts'
import { perSequence, type SchedulingHost } from './scheduling.ts'
import type { Sequence } from './sequence.ts'
import { TokenBatch } from './token.ts'

/**
 * The engine as its admission and its pacer see it, both of which it makes: the life of a sequence from its start to its
 * end.
 */
export class EngineHost implements SchedulingHost {
  readonly timeline: Timeline
  readonly loras: LoraRegistry
  readonly maxNumSeqs: number
  readonly maxWaiting: number
  readonly admission: Admission
  readonly pacer: Pacer
  readonly pump: Pump
  latency: LatencyModel
  readonly #options: EngineOptions
  readonly #observers: Observers
  readonly #cache: EngineCache
  readonly #batch = new TokenBatch()

  constructor(options: EngineOptions, observers: Observers, loras: LoraRegistry, cache: EngineCache) {
    this.timeline = options.timeline
    this.loras = loras
    this.maxNumSeqs = options.maxNumSeqs
    this.maxWaiting = options.maxWaiting
    this.latency = options.latency
    this.#options = options
    this.#observers = observers
    this.#cache = cache
    const { admission, pacer } = (options.scheduling ?? perSequence)(this)
    this.admission = admission
    this.pacer = pacer
    this.pump = new Pump(this.timeline, admission, (sequence, now) => pacer.start(sequence, now))
  }

  get running(): number {
    return this.admission.running
  }

  get waiting(): number {
    return this.admission.waiting
  }

  /** What the context cannot hold needs no blocks: it is to run into its error. */
  fits(sequence: Sequence): boolean {
    return sequence.promptTokens >= this.#options.maxModelLen || this.#cache.fits(sequence)
  }

  open(sequence: Sequence, now: number): boolean {
    const refused = prepareText(sequence, this.#options)
    if (refused) this.end(sequence, 'error', now, refused)
    return !refused
  }

  start(sequence: Sequence, now: number): boolean {
    const first = sequence.startedAt < 0
    if (first) sequence.startedAt = now
    this.#observers.onStarted(sequence, now)
    if (!first) return true
    const refused = prepare(sequence, this.#cache, this.#options)
    if (refused) this.end(sequence, 'error', now, refused)
    else if (this.#cache.refuses(sequence)) this.end(sequence, 'cache_threshold', now)
    else return true
    return false
  }

  preempted(sequence: Sequence, now: number): void {
    sequence.status = 'waiting'
    this.#observers.onPreempted(sequence, now)
  }

  advance(sequence: Sequence, due: number, now: number): boolean {
    const batch = this.#batch
    const failed = generate(sequence, due, batch)
    const { count } = batch
    const first = sequence.firstTokenAt < 0
    if (count > 0) {
      if (sequence.outputIds) batch.addIdsTo(sequence.outputIds)
      this.#observers.onTokens(sequence, count, now)
      sequence.generatedTokens += count
      sequence.lastTokenAt = now
    }
    if (first) sequence.firstTokenAt = now
    if (count > 0 || first) sequence.reader.tokens(sequence, batch)
    if (sequence.status === 'ended') return false
    if (failed) this.end(sequence, 'error', now, failed)
    else if (sequence.complete) this.#endLater(sequence, now)
    else return true
    return false
  }

  #endLater(sequence: Sequence, now: number): void {
    const reason = finishReason(sequence)
    const delay = extraDelay(sequence)
    if (delay <= 0) this.end(sequence, reason, now)
    else {
      this.timeline.at(now + delay, then => {
        if (sequence.status !== 'ended') this.end(sequence, reason, then)
      })
    }
  }

  stepped(tokens: number, now: number): void {
    this.#observers.onStep(tokens, this.running, this.waiting, now)
  }

  refuse(sequence: Sequence, error: RequestError, now: number): void {
    this.end(sequence, 'error', now, error)
  }

  /** Ends a sequence that runs or waits. */
  end(sequence: Sequence, reason: FinishReason, now: number, error?: RequestError): void {
    this.pacer.stop(sequence)
    const params = this.#handOver(sequence, reason, now)
    this.#cache.free(sequence)
    if (sequence.status === 'running') this.admission.release(sequence)
    else this.admission.withdraw(sequence)
    this.#report(sequence, reason, now, error, params)
    this.pump.run(now)
  }

  /** The blocks of a prompt that another instance will decode stay in use until it has them. */
  #handOver(sequence: Sequence, reason: FinishReason, now: number): KvTransferParams | undefined {
    const { handOver } = this.#options
    if (!handOver || sequence.index > 0 || !sequence.request.kvTransfer?.doRemoteDecode) return undefined
    if (reason === 'abort' || reason === 'error') return undefined
    return handOver(
      sequence,
      this.#cache.hold(sequence, () => this.pump.run(this.timeline.clock.now())),
      now,
    )
  }

  #report(
    sequence: Sequence,
    reason: FinishReason,
    now: number,
    error?: RequestError,
    kvTransferParams?: KvTransferParams,
  ): void {
    const outcome = outcomeOf(sequence, reason, error, kvTransferParams)
    this.#observers.onFinished(sequence, outcome, now)
    if (!sequence.reader.finish(sequence, outcome)) this.pump.keep()
  }
}
