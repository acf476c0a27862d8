import type { Clock, Timer } from './clock.ts'
import { CallbackDeadline, type Deadline, DeadlineHeap } from './deadline.ts'
import { longWork } from './long-work.ts'
import { Newcomers } from './newcomers.ts'

/** How long one kind of work may take of a turn of the event loop before newcomers and input get theirs, real milliseconds. */
export const turnBudget = 4
/** Deadlines between two looks at the clock. */
const checkEvery = 8

/**
 * All deadlines of a process: one binary heap of absolute times and one timer of the clock. A wake-up runs everything
 * that is due, in order; being late for one deadline moves no other.
 */
export class Timeline {
  readonly clock: Clock
  readonly #turnBudget: number
  readonly #timed = new DeadlineHeap()
  /** Work without a time, first in, first out. */
  readonly #deferred = new DeadlineHeap()
  #order = 0
  #armed = Number.POSITIVE_INFINITY
  #timer: Timer | undefined
  #running = false
  /** When the present turn has to end, on the real clock. */
  #end = Number.NEGATIVE_INFINITY
  /** The same for calls from outside of deadlines, and the turn of the event loop in which their time began. */
  #callsEnd = Number.NEGATIVE_INFINITY
  #callsTurn = Number.NaN
  readonly #newcomers = new Newcomers()

  /** @param budget how long one turn of the event loop may take before newcomers and input get one, real milliseconds */
  constructor(clock: Clock, budget = turnBudget) {
    this.clock = clock
    this.#turnBudget = budget
  }

  /** Number of scheduled and deferred deadlines. */
  get size(): number {
    return this.#timed.size + this.#deferred.size
  }

  /**
   * Whether long work has to stop and `defer` what is left. All calls from outside of deadlines in one turn of the event
   * loop share its time, however many requests come or leave in it.
   */
  get isOver(): boolean {
    const { real } = this.clock
    const now = real.now()
    if (this.#running) return now > this.#end
    if (now <= this.#callsEnd) return false
    // Time alone does not tell a long turn from a later one.
    const turn = real.eventLoopTurn
    if (turn === this.#callsTurn) return true
    this.#callsTurn = turn
    const over = !this.#newcomers.takeTurn(turn)
    this.#callsEnd = over ? Number.NEGATIVE_INFINITY : now + this.#turnBudget
    return over
  }

  /**
   * A connection was accepted. The event loop accepts one per turn, so that a burst would wait for as many full turns:
   * while they come, most turns are without long work. What has a time runs as always.
   */
  newcomer(): void {
    this.#newcomers.came(this.clock.real.eventLoopTurn)
    longWork.newcomer()
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
    this.#end = clock.real.now() + this.#turnBudget
    this.#running = true
    let over = false
    const hasWay =
      this.#deferred.size === 0 || !this.#newcomers.crowded || this.#newcomers.takeTurn(clock.real.eventLoopTurn)
    let starved = hasWay && this.#deferred.size > 0
    try {
      for (let ran = 1; !over; ran++) {
        const { first } = this.#timed
        // What fell due meanwhile runs in the same turn of the event loop, at its own time.
        if (first && first.due > now) now = clock.now()
        if (first && first.due <= now) {
          this.#timed.remove(first)
          first.onDue(now)
          over = ran % checkEvery === 0 && clock.real.now() > this.#end
        } else if (hasWay && this.#deferred.size > 0) {
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
