import type { KvCacheEvent, Timeline } from '@vllm-sim/core-engine'
import { type EventFormat, encodeBatch } from './encode.ts'
import { splitEvent, weigh } from './split.ts'

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
  /** Whether batches are written as messages; without, their payload is empty. Default true. */
  readonly encode?: boolean
  /**
   * @param timestamp Unix time of the batch, seconds
   * @returns whether another batch can be taken now; if not, `resume` tells when it can
   */
  readonly deliver: (sequence: number, payload: Buffer, events: readonly KvCacheEvent[], timestamp: number) => boolean
  /** Called when the first event of a congestion is dropped. */
  readonly onDropped?: (() => void) | undefined
}

const nothing = Buffer.alloc(0)

/** Bytes of a batch's numbers at most, so that messages that wait for a slow reader are bounded in bytes as in number. */
const mostBytes = 32_768
/** Bytes that may wait. */
const mostPendingBytes = 64 * 2 ** 20
/** Events of a batch during a congestion, when `batchSize` is smaller. */
const congestedSize = 64

/**
 * Groups events into numbered batches. Adding an event only appends it to a list: encoding and sending happen in a turn
 * of the event loop of their own, after the tokens of the present one are out. While no batch can be delivered events
 * wait, and leave in larger batches afterwards.
 */
export class EventBatcher {
  readonly #options: BatcherOptions
  #pending: KvCacheEvent[] = []
  #pendingBytes = 0
  #sequence: number
  #cancel: (() => void) | undefined
  #draining = false
  #dropping = false
  #flushing = false
  /** `deliver` takes no more at present. */
  #held = false
  /** It took no more since events last ran out. */
  #congested = false

  constructor(options: BatcherOptions) {
    this.#options = options
    this.#sequence = options.firstSequence
  }

  /** Number of the next batch. */
  get sequence(): number {
    return this.#sequence
  }

  add(event: KvCacheEvent): void {
    for (const part of splitEvent(event, mostBytes)) this.#add(part)
  }

  /** Sends everything that waits, full batch or not. */
  flush(): void {
    this.#disarm()
    this.#flushing = true
    this.#send(1)
  }

  /** Goes on after `deliver` had no room. */
  resume(): void {
    this.#held = false
    if (this.#pending.length === 0) this.#congested = false
    else if (this.#flushing) this.#send(1)
    else if (this.#congested) this.#drain()
  }

  #add(event: KvCacheEvent): void {
    const { batchSize, batchDelay, maxPending } = this.#options
    if (this.#pending.length >= maxPending || this.#pendingBytes >= mostPendingBytes) {
      if (!this.#dropping) this.#options.onDropped?.()
      this.#dropping = true
      return
    }
    this.#pending.push(event)
    this.#pendingBytes += weigh(event)
    if (this.#draining || this.#held) return
    if (this.#pending.length >= batchSize || batchDelay === 0) {
      this.#draining = true
      this.#options.timeline.clock.soon(this.#drain)
    } else this.#arm()
  }

  readonly #drain = (): void => {
    this.#draining = false
    this.#disarm()
    this.#send(this.#options.batchDelay === 0 ? 1 : this.#options.batchSize)
    if (this.#pending.length > 0 && !this.#held) this.#arm()
  }

  /** Sends batches as long as at least `least` events wait and there is room. */
  #send(least: number): void {
    const { timeline, batchSize, rank, format, encode = true } = this.#options
    const pending = this.#pending
    let from = 0
    while (!this.#held && pending.length - from >= least && from < pending.length) {
      const to = this.#endOfBatch(from, this.#congested ? Math.max(batchSize, congestedSize) : batchSize)
      const events = pending.slice(from, to)
      const timestamp = timeline.clock.wall() / 1000
      const payload = encode ? encodeBatch(timestamp, events, rank, format) : nothing
      from = to
      this.#held = !this.#options.deliver(this.#sequence++, payload, events, timestamp)
      this.#congested ||= this.#held
    }
    if (from === 0) return
    this.#pending = pending.slice(from)
    this.#dropping = false
    if (this.#pending.length > 0) return
    this.#flushing = false
    this.#congested = this.#held
  }

  #endOfBatch(from: number, size: number): number {
    const last = Math.min(this.#pending.length, from + size)
    let bytes = 0
    let to = from
    while (to < last) {
      const more = weigh(this.#pending[to]!)
      if (to > from && bytes + more > mostBytes) break
      bytes += more
      to++
    }
    this.#pendingBytes -= bytes
    return to
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
