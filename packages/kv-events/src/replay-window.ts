/** A published batch, as it went out. */
export interface PublishedBatch {
  readonly sequence: number
  readonly payload: Buffer
}

/** The latest batches, for subscribers that missed some. Takes room for what it holds, not for its capacity. */
export class ReplayWindow {
  readonly #capacity: number
  #ring: PublishedBatch[] = []
  /** Place of the oldest batch once the ring is full. */
  #oldest = 0

  /** @param capacity batches kept, at least 1 */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  /** Adds the next batch; the oldest goes when there are too many. */
  add(batch: PublishedBatch): void {
    if (this.#ring.length < this.#capacity) this.#ring.push(batch)
    else {
      this.#ring[this.#oldest] = batch
      this.#oldest = (this.#oldest + 1) % this.#capacity
    }
  }

  /** Batches numbered `sequence` or higher, in order; all of them when that is older than the window. */
  since(sequence: number): PublishedBatch[] {
    const inOrder = [...this.#ring.slice(this.#oldest), ...this.#ring.slice(0, this.#oldest)]
    const first = inOrder[0]?.sequence ?? 0
    return inOrder.slice(Math.max(0, Math.min(sequence - first, inOrder.length)))
  }
}
