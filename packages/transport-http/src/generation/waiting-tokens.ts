import { getHeapStatistics } from 'node:v8'
import { RequestError } from '@vllm-sim/core-engine'

/** What a token costs until its answer is sent: a node of the text and a place in a list, bytes. */
const bytesPerToken = 40
/** Share of the heap that they may take. */
const share = 0.25

/** Tokens that were generated and could not be sent yet, of all answers of the thread. */
class WaitingTokens {
  readonly #limit: number
  #count = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** @throws RequestError 503 when they are too many */
  add(count: number): void {
    this.#count += count
    if (this.#count > this.#limit) {
      throw new RequestError(
        503,
        `More than ${this.#limit} tokens wait for clients to take them; ask for fewer choices, for a stream, or later`,
      )
    }
  }

  /** They were sent, or nobody wants them any more. */
  remove(count: number): void {
    this.#count -= count
  }
}

/** One for the whole thread: what it protects is the thread's heap. */
export const waitingTokens = new WaitingTokens(
  Math.floor((share * getHeapStatistics().heap_size_limit) / bytesPerToken),
)
