import { getHeapStatistics } from 'node:v8'
import { RequestError } from '@vllm-sim/core-engine'

/** What a token costs beside its text until its answer is sent: places in lists and, at the worst, an object, bytes. */
const bytesPerToken = 40
/** Share of the heap that may be taken. */
const share = 0.25

/** What output takes, in bytes, as if no other answer had the same. */
export function waitingBytes(tokens: number, characters: number): number {
  return tokens * bytesPerToken + characters
}

/** Output that was generated and could not be sent yet, of all answers of the thread. */
class WaitingOutput {
  readonly #limit: number
  #bytes = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** @throws RequestError 503 when it is too much */
  add(bytes: number): void {
    this.#bytes += bytes
    if (this.#bytes > this.#limit) {
      throw new RequestError(
        503,
        `More than ${this.#limit} bytes of answers wait to be complete or for clients to take them; ` +
          'ask for fewer choices, for a stream, or later',
      )
    }
  }

  /** It was sent, or nobody wants it any more. */
  remove(bytes: number): void {
    this.#bytes -= bytes
  }
}

/** One for the whole thread: what it protects is the thread's heap. */
export const waitingOutput = new WaitingOutput(Math.floor(share * getHeapStatistics().heap_size_limit))
