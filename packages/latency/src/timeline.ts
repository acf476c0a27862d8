import type { Clock, Timer } from './clock.ts'
import { Deadline } from './deadline.ts'
import { DeadlineHeap } from './deadline-heap.ts'

class CallbackDeadline extends Deadline {
  readonly #run: (now: number) => void

  constructor(run: (now: number) => void) {
    super()
    this.#run = run
  }

  override onDue(now: number): void {
    this.#run(now)
  }
}

/** How long one turn of the event loop may run deadlines before newcomers and input get a turn, real milliseconds. */
const turnBudget = 4
/** Deadlines between two looks at the clock. */
const checkEvery = 8

/**
 * All deadlines of a process: one binary heap of absolute times and one timer of the clock. A wake-up runs everything
 * that is due, in order; being late for one deadline moves no other.
 */
export class Timeline {
  readonly clock: Clock
  readonly #timed = new DeadlineHeap()
  /** Work without a time, first in, first out. */
  readonly #deferred = new DeadlineHeap()
  #order = 0
  #armed = Number.POSITIVE_INFINITY
  #timer: Timer | undefined
  #running = false
  /** When the present turn has to end, on the real clock. */
  #end = 0

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Number of scheduled and deferred deadlines. */
  get size(): number {
    return this.#timed.size + this.#deferred.size
  }

  /**
   * Until when work may go on without a break, on the clock's `real` one: the end of the present turn, or of a turn
   * that begins now. What is left then is for `defer`.
   */
  get turnEnd(): number {
    return this.#running ? this.#end : this.clock.real.now() + turnBudget
  }

  /** Schedules `deadline` at the absolute time `due`, or moves it there. O(log n). */
  schedule(deadline: Deadline, due: number): void {
    if (this.#deferred.has(deadline)) this.#deferred.remove(deadline)
    deadline.due = due
    deadline.order = this.#order++
    if (deadline.slot < 0) this.#timed.push(deadline)
    else this.#timed.moved(deadline)
    if (!this.#running) this.#arm()
  }

  /**
   * Runs `deadline` when nothing is due, in this turn of the event loop or a following one, after all that were
   * deferred before. For long work, cut into pieces of a millisecond or less, that must not delay what has a time.
   */
  defer(deadline: Deadline): void {
    this.cancel(deadline)
    deadline.due = 0
    deadline.order = this.#order++
    this.#deferred.push(deadline)
    if (!this.#running) this.#arm()
  }

  /** Takes `deadline` out; harmless when it is not scheduled. O(log n). */
  cancel(deadline: Deadline): void {
    if (deadline.slot < 0) return
    if (this.#timed.has(deadline)) this.#timed.remove(deadline)
    else this.#deferred.remove(deadline)
  }

  /** Calls `run` once at the absolute time `due`; the result takes it back. */
  at(due: number, run: (now: number) => void): () => void {
    const deadline = new CallbackDeadline(run)
    this.schedule(deadline, due)
    return () => this.cancel(deadline)
  }

  #arm(): void {
    if (this.#deferred.size > 0) {
      if (this.#armed !== Number.NEGATIVE_INFINITY) this.#hurry()
      return
    }
    const { first } = this.#timed
    if (!first || first.due >= this.#armed) return
    this.#timer?.cancel()
    this.#armed = first.due
    if (first.due > this.clock.now()) this.#timer = this.clock.timerAt(first.due, this.#wake)
    else this.#hurry()
  }

  /** Wakes up after the input and output that is waiting; no timer is needed until then. */
  #hurry(): void {
    this.#timer?.cancel()
    this.#timer = undefined
    this.#armed = Number.NEGATIVE_INFINITY
    this.clock.soon(this.#wake)
  }

  readonly #wake = (): void => {
    this.#armed = Number.POSITIVE_INFINITY
    this.#timer = undefined
    const { clock } = this
    let now = clock.now()
    this.#end = clock.real.now() + turnBudget
    this.#running = true
    let over = false
    let starved = this.#deferred.size > 0
    try {
      for (let ran = 1; !over; ran++) {
        const { first } = this.#timed
        // What fell due meanwhile runs in the same turn of the event loop, at its own time.
        if (first && first.due > now) now = clock.now()
        if (first && first.due <= now) {
          this.#timed.remove(first)
          first.onDue(now)
          over = ran % checkEvery === 0 && clock.real.now() > this.#end
        } else if (this.#deferred.size > 0) {
          starved = false
          this.#runDeferred(now)
          over = clock.real.now() > this.#end
        } else break
      }
      // However much is due: what was deferred goes on as well.
      if (starved) this.#runDeferred(now)
    } finally {
      this.#running = false
      if (over) this.#hurry()
      else this.#arm()
    }
  }

  #runDeferred(now: number): void {
    const { first } = this.#deferred
    if (!first) return
    this.#deferred.remove(first)
    first.onDue(now)
  }
}
