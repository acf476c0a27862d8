import { Deadline, type Timeline } from '@vllm-sim/latency'
import type { Admission } from './admission.ts'
import type { Idle } from './idle.ts'
import type { Sequence } from './sequence.ts'

/** Starts what can run whenever something may have changed; what one turn of the event loop cannot start waits for the next. */
export class Pump extends Deadline {
  readonly #timeline: Timeline
  readonly #admission: Admission
  readonly #idle: Idle
  readonly #start: (sequence: Sequence, now: number) => void
  /** Not recursive: an answer that takes no time ends inside of a loop that starts others. */
  #paused = false

  constructor(timeline: Timeline, admission: Admission, idle: Idle, start: (sequence: Sequence, now: number) => void) {
    super()
    this.#timeline = timeline
    this.#admission = admission
    this.#idle = idle
    this.#start = start
  }

  override onDue(now: number): void {
    this.run(now)
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
    this.#paused = true
    let next = this.#admission.next()
    if (next) {
      const { clock, turnEnd } = this.#timeline
      for (; next; next = this.#admission.next()) {
        this.#start(next, now)
        if (clock.real.now() <= turnEnd) continue
        this.#timeline.defer(this)
        break
      }
    }
    this.#paused = false
    this.#idle.tell()
  }
}
