import type { Admission } from './admission.ts'

/** Who waits until nothing runs or waits, and every reader has its answer. */
export class Idle {
  readonly #admission: Admission
  readonly #waiting: (() => void)[] = []
  /** Sequences that ended and wait for their reader. */
  #undelivered = 0

  constructor(admission: Admission) {
    this.#admission = admission
  }

  /** Calls `run` once: at once, or from a later `tell`. */
  when(run: () => void): void {
    this.#waiting.push(run)
    this.tell()
  }

  /** An ended sequence waits for its reader. */
  keep(): void {
    this.#undelivered++
  }

  /** The reader of an ended sequence has all of it. */
  delivered(): void {
    this.#undelivered--
    this.tell()
  }

  /** Something ended. */
  tell(): void {
    if (this.#waiting.length === 0) return
    if (this.#admission.running + this.#admission.waiting + this.#undelivered > 0) return
    for (const run of this.#waiting.splice(0)) run()
  }
}
