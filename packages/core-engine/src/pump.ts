import { Deadline, type Timeline } from '@vllm-sim/latency'
import type { Admission } from './admission.ts'
import type { Sequence } from './sequence.ts'

/**
 * Starts what can run whenever something may have changed, and tells when nothing is left. What one turn of the event loop
 * cannot start waits for the next.
 */
export class Pump extends Deadline {
  readonly #timeline: Timeline
  readonly #admission: Admission
  readonly #start: (sequence: Sequence, now: number) => void
  /** Not recursive: an answer that takes no time ends inside of a loop that starts others. */
  #paused = false
  readonly #waitingForIdle: (() => void)[] = []
  /** Sequences that ended and wait for their reader. */
  #undelivered = 0

  constructor(timeline: Timeline, admission: Admission, start: (sequence: Sequence, now: number) => void) {
    super()
    this.#timeline = timeline
    this.#admission = admission
    this.#start = start
  }

  override onDue(now: number): void {
    if (!this.#paused) this.#goOn(now)
  }

  /** Nothing is started until `release`. @returns what `release` is to be given */
  pause(): boolean {
    const before = this.#paused
    this.#paused = true
    return before
  }

  /** @param before result of `pause` */
  release(before: boolean, now: number): void {
    this.#paused = before
    this.run(now)
  }

  run(now: number): void {
    if (this.#paused) return
    if (this.#admission.waiting === 0) this.#tellIdle()
    else if (this.#timeline.isOver) this.#timeline.defer(this)
    else this.#goOn(now)
  }

  /** Starts at least one, also in a turn that is over, so that it comes to an end. */
  #goOn(now: number): void {
    const timeline = this.#timeline
    this.#paused = true
    for (let next = this.#admission.next(); next; next = this.#admission.next()) {
      this.#start(next, now)
      if (!timeline.isOver) continue
      timeline.defer(this)
      break
    }
    this.#paused = false
    this.#tellIdle()
  }

  /** Calls `run` once, as soon as nothing runs or waits and every reader has its answer: at once, or later. */
  whenIdle(run: () => void): void {
    this.#waitingForIdle.push(run)
    this.#tellIdle()
  }

  /** An ended sequence waits for its reader. */
  keep(): void {
    this.#undelivered++
  }

  /** The reader of an ended sequence has all of it. */
  delivered(): void {
    this.#undelivered--
    this.#tellIdle()
  }

  #tellIdle(): void {
    if (this.#waitingForIdle.length === 0) return
    if (this.#admission.running + this.#admission.waiting + this.#undelivered > 0) return
    for (const run of this.#waitingForIdle.splice(0)) run()
  }
}
