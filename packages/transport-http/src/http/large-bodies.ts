import { getHeapStatistics } from 'node:v8'
import { RealClock } from '@vllm-sim/core-engine'

/** Share of the heap that they may have come to in bytes: parsed and made into tokens, each takes many times as much. */
const share = 1 / 64

/** Large bodies that are complete. They are served in later turns of the event loop, a few at a time. */
class LargeBodies {
  readonly #limit: number
  readonly #clock = new RealClock()
  readonly #waiting = new Set<{ readonly size: number; readonly serve: () => void }>()
  #bytes = 0

  constructor(limit: number) {
    this.#limit = limit
  }

  /** @param serve has `done` called when the body is no longer needed */
  add(size: number, serve: () => void): void {
    this.#waiting.add({ size, serve })
    this.#start()
  }

  done(size: number): void {
    this.#bytes -= size
    this.#start()
  }

  /** At least one at a time. */
  #start(): void {
    for (const body of this.#waiting) {
      if (this.#bytes > 0 && this.#bytes + body.size > this.#limit) return
      this.#waiting.delete(body)
      this.#bytes += body.size
      this.#clock.whenFree(body.serve)
    }
  }
}

/** Those of the whole thread. */
export const largeBodies = new LargeBodies(Math.floor(share * getHeapStatistics().heap_size_limit))
