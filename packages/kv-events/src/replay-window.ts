/** A published batch, as it went out. */
export interface PublishedBatch {
  readonly sequence: number
  readonly payload: Buffer
}

/** Bytes of payload that are kept at most, but always the newest batch. */
const mostBytes = 64 * 2 ** 20

/** The latest batches, for subscribers that missed some. Takes room for what it holds, not for its capacity. */
export class ReplayWindow {
  readonly #capacity: number
  #batches: PublishedBatch[] = []
  /** Place of the oldest batch; those before it are gone. */
  #first = 0
  #bytes = 0

  /** @param capacity batches kept, at least 1 */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Adds the batch numbered next; the oldest go when there are too many. */
  add(batch: PublishedBatch): void {
    this.#batches.push(batch)
    this.#bytes += batch.payload.length
    while (this.#size > this.#capacity || (this.#bytes > mostBytes && this.#size > 1))
      this.#bytes -= this.#batches[this.#first++]!.payload.length
    if (this.#first > 64 && this.#first * 4 > this.#size) {
      this.#batches = this.#batches.slice(this.#first)
      this.#first = 0
    }
  }

  /** Number of the batch that will come next; 0 when there was none. */
  get end(): number {
    return (this.#batches.at(-1)?.sequence ?? -1) + 1
  }

  /** The batch numbered `sequence` or else the oldest one behind it; undefined when all are before it. */
  from(sequence: number): PublishedBatch | undefined {
    const oldest = this.#batches[this.#first]
    return oldest && this.#batches[this.#first + Math.max(0, sequence - oldest.sequence)]
  }

  get #size(): number {
    return this.#batches.length - this.#first
  }
}
