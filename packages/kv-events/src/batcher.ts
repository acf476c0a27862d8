import type { KvCacheEvent, Timeline } from '@vllm-sim/core-engine'
import { type EventFormat, encodeBatch } from './encode.ts'

export interface BatcherOptions {
  readonly timeline: Timeline
  /** Events that make a full batch, at least 1. */
  readonly batchSize: number
  /** Milliseconds that an event waits at most for its batch to fill; 0: until the event loop's next turn. */
  readonly batchDelay: number
  /** Events that may wait; further ones are dropped. */
  readonly maxPending: number
  readonly rank: number
  readonly format: EventFormat
  /** Number of the first batch. */
  readonly firstSequence: number
  readonly deliver: (sequence: number, payload: Buffer) => void
  /** Called when the first event of a congestion is dropped. */
  readonly onDropped?: (() => void) | undefined
}

/**
 * Groups events into numbered batches. Adding an event only appends it to a list: encoding and sending happen in a turn
 * of the event loop of their own, after the tokens of the present one are out.
 */
export class EventBatcher {
  readonly #options: BatcherOptions
  #pending: KvCacheEvent[] = []
  #sequence: number
  #cancel: (() => void) | undefined
  #draining = false
  #dropping = false

  constructor(options: BatcherOptions) {
    this.#options = options
    this.#sequence = options.firstSequence
  }

  /** Number of the next batch. */
  get sequence(): number {
    return this.#sequence
  }

  add(event: KvCacheEvent): void {
    const { batchSize, batchDelay, maxPending } = this.#options
    if (this.#pending.length >= maxPending) {
      if (!this.#dropping) this.#options.onDropped?.()
      this.#dropping = true
      return
    }
    this.#pending.push(event)
    if (this.#draining) return
    if (this.#pending.length >= batchSize || batchDelay === 0) {
      this.#draining = true
      this.#options.timeline.clock.soon(this.#drain)
    } else this.#arm()
  }

  /** Sends everything that waits, full batch or not. */
  flush(): void {
    this.#disarm()
    this.#send(1)
  }

  readonly #drain = (): void => {
    this.#draining = false
    this.#disarm()
    this.#send(this.#options.batchDelay === 0 ? 1 : this.#options.batchSize)
    if (this.#pending.length > 0) this.#arm()
  }

  /** Sends batches as long as at least `least` events wait. */
  #send(least: number): void {
    const { timeline, batchSize, rank, format } = this.#options
    let from = 0
    while (this.#pending.length - from >= least && from < this.#pending.length) {
      const events = this.#pending.slice(from, from + batchSize)
      from += events.length
      const payload = encodeBatch(timeline.clock.wall() / 1000, events, rank, format)
      this.#options.deliver(this.#sequence++, payload)
    }
    if (from > 0) {
      this.#pending = this.#pending.slice(from)
      this.#dropping = false
    }
  }

  #arm(): void {
    const { timeline, batchDelay } = this.#options
    this.#cancel ??= timeline.at(timeline.clock.now() + batchDelay, () => {
      this.#cancel = undefined
      this.#send(1)
    })
  }

  #disarm(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }
}
