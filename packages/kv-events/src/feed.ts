import type { EngineObserver, Timeline } from '@vllm-sim/core-engine'
import { EventBatcher } from './batcher.ts'
import type { FedBatch } from './fed-batch.ts'
import type { KvEventPublisher } from './publisher.ts'
import { weigh } from './split.ts'

/** Batches, and bytes of their numbers, that are remembered. */
const mostBatches = 1024
const mostBytes = 16 * 2 ** 20
/** Of batches that nobody publishes: events that make a full one, and how long one waits for more, milliseconds. */
const batchSize = 16
const batchDelay = 100

/**
 * The batches of KV events for listeners in this process: those of a publisher under its numbers, or, without one, batches
 * of its own. The latest are remembered for listeners that missed some.
 */
export class KvEventFeed {
  readonly #next: () => number
  readonly #listeners = new Set<(batch: FedBatch) => void>()
  #batches: FedBatch[] = []
  #bytes = 0

  private constructor(next: () => number) {
    this.#next = next
  }

  /** What a publisher sends from now on. */
  static of(publisher: KvEventPublisher): KvEventFeed {
    const feed = new KvEventFeed(() => publisher.sequence)
    publisher.tap(batch => feed.#add(batch))
    return feed
  }

  /** What an engine reports from now on. @returns the feed, and the observer to hang on the engine */
  static own(timeline: Timeline): { feed: KvEventFeed; observer: EngineObserver } {
    const batcher = new EventBatcher({
      timeline,
      batchSize,
      batchDelay,
      maxPending: 100_000,
      rank: 0,
      firstSequence: 0,
      format: 'array',
      encode: false,
      deliver: (sequence, _payload, events, timestamp) => {
        feed.#add({ sequence, timestamp, events })
        return true
      },
    })
    const feed = new KvEventFeed(() => batcher.sequence)
    return { feed, observer: { onCacheEvent: event => batcher.add(event) } }
  }

  /** Number of the latest batch; one less than the first when there was none yet. */
  get latest(): number {
    return this.#next() - 1
  }

  /**
   * Calls `listener` with each batch from now on.
   * @param from the first batch that is wanted, and may be one that is remembered; undefined: what comes
   * @returns ends that; undefined when `from` is not remembered any more, or has a number that is not next
   */
  subscribe(from: number | undefined, listener: (batch: FedBatch) => void): (() => void) | undefined {
    if (from !== undefined) {
      const oldest = this.#batches[0]?.sequence ?? this.#next()
      if (from < oldest || from > this.#next()) return undefined
      for (const batch of this.#batches.slice(from - oldest)) listener(batch)
    }
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  #add(batch: FedBatch): void {
    this.#batches.push(batch)
    this.#bytes += bytesOf(batch)
    while (this.#batches.length > mostBatches || (this.#bytes > mostBytes && this.#batches.length > 1)) {
      this.#bytes -= bytesOf(this.#batches.shift()!)
    }
    for (const listener of this.#listeners) listener(batch)
  }
}

function bytesOf({ events }: FedBatch): number {
  let bytes = 0
  for (const event of events) bytes += weigh(event)
  return bytes
}
