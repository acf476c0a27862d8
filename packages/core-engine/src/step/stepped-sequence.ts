import { CallbackDeadline, type Timeline } from '@vllm-sim/latency'
import { CacheCapacityError } from '../errors.ts'
import type { PacerHost } from '../pacer.ts'
import type { Sequence, SteppedRequest } from '../sequence.ts'
import { batchLimit } from '../submission.ts'
import type { SequenceKeys } from './sequence-keys.ts'
import { StepRequest } from './step-request.ts'

/** What sequences in steps need of their pacer. */
export interface SteppedHost extends Pick<PacerHost, 'advance' | 'refuse'> {
  readonly timeline: Timeline
  readonly maxModelLen: number
  readonly usableBlocks: number
  readonly blockSize: number
  admitted(stepped: SteppedSequence, cached: number, now: number): boolean
  preempted(stepped: SteppedSequence, now: number): void
}

/** A sequence of the engine as the step scheduler has it. */
export class SteppedSequence extends StepRequest implements SteppedRequest {
  readonly sequence: Sequence
  readonly keys: SequenceKeys
  held = false
  delivering = false
  /** Tokens that were computed and not generated. */
  #owed = 0
  readonly #host: SteppedHost
  readonly #rest: CallbackDeadline

  constructor(host: SteppedHost, sequence: Sequence, id: number, lora: number, keys: SequenceKeys) {
    const { limits, priority = 0 } = sequence.request
    const { promptTokens, arrivedAt: arrival } = sequence
    const maxTokens = limits.maxTokens ?? host.maxModelLen - promptTokens
    super({ id, arrival, priority, lora, promptTokens, maxTokens })
    this.#host = host
    this.sequence = sequence
    this.keys = keys
    this.#rest = new CallbackDeadline(now => this.#generate(now))
  }

  override get knownTokens(): number {
    return Math.min(this.tokens, this.promptTokens + (this.sequence.outputIds?.length ?? 0))
  }

  override key(index: number): bigint {
    return this.keys.at(index)
  }

  override accepted(): number {
    return 0
  }

  override deliver(most: number, now: number): number {
    const tokens = this.tokens + most
    const last = tokens >= this.#host.maxModelLen
    if (this.held || this.#owed > 0) {
      this.#owed += most
      this.over = last || tokens - this.promptTokens >= this.maxTokens
    } else {
      this.delivering = true
      const goesOn = this.#host.advance(this.sequence, most, now)
      this.delivering = false
      this.over = !goesOn || last
      // Some texts are longer than the context, echoes for example: what is beyond takes no time.
      if (!goesOn || !last) return most
    }
    if (this.over) this.#owed = Number.POSITIVE_INFINITY
    this.#deferRest()
    return most
  }

  override admitted(cached: number, now: number): boolean {
    return this.#host.admitted(this, cached, now)
  }

  override preempted(now: number): void {
    this.#host.preempted(this, now)
  }

  override refused(now: number): void {
    const { blockSize, usableBlocks } = this.#host
    const needed = Math.ceil((this.tokens + 1) / blockSize)
    this.#host.refuse(this.sequence, new CacheCapacityError(needed, usableBlocks), now)
  }

  resume(): void {
    this.held = false
    this.#deferRest()
  }

  stop(): void {
    this.over = true
    this.#host.timeline.cancel(this.#rest)
  }

  #deferRest(): void {
    if (!this.held && this.#owed > 0) this.#host.timeline.defer(this.#rest)
  }

  /** A piece of what is owed, so that a long rest stops nobody else. */
  #generate(now: number): void {
    const due = Math.min(this.#owed, batchLimit)
    this.#owed -= due
    if (this.#host.advance(this.sequence, due, now)) this.#deferRest()
  }
}
