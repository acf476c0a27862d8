import type { Clock, Timer } from './clock.ts'

/** Something that wants to run at an absolute time. The timeline owns `due`, `slot` and `order` while it is scheduled. */
export abstract class Deadline {
  /** Absolute time in milliseconds of the clock. */
  due = 0
  /** Place in the heap, -1 when not scheduled. */
  slot = -1
  /** Ties run in the order in which they were scheduled. */
  order = 0

  /**
   * Runs once, when due.
   * @param now the time at which it was found due, the same for all that were found due together
   */
  abstract onDue(now: number): void
}

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

/** How long one turn of the event loop may run deadlines before newcomers and input get a turn, milliseconds. */
const turnBudget = 4
/** Deadlines between two looks at the clock. */
const checkEvery = 8

/**
 * All deadlines of a process: one binary heap of absolute times and one timer of the clock. A wake-up runs everything
 * that is due, in order; being late for one deadline moves no other.
 */
export class Timeline {
  readonly clock: Clock
  readonly #heap: Deadline[] = []
  #order = 0
  #armed = Number.POSITIVE_INFINITY
  #timer: Timer | undefined
  #running = false

  constructor(clock: Clock) {
    this.clock = clock
  }

  /** Number of scheduled deadlines. */
  get size(): number {
    return this.#heap.length
  }

  /** Schedules `deadline` at the absolute time `due`, or moves it there. O(log n). */
  schedule(deadline: Deadline, due: number): void {
    deadline.due = due
    deadline.order = this.#order++
    if (deadline.slot < 0) {
      deadline.slot = this.#heap.length
      this.#heap.push(deadline)
      this.#up(deadline)
    } else {
      this.#up(deadline)
      this.#down(deadline)
    }
    if (!this.#running) this.#arm()
  }

  /** Takes `deadline` out; harmless when it is not scheduled. O(log n). */
  cancel(deadline: Deadline): void {
    const { slot } = deadline
    if (slot < 0) return
    deadline.slot = -1
    const last = this.#heap.pop()!
    if (last === deadline) return
    last.slot = slot
    this.#heap[slot] = last
    this.#up(last)
    this.#down(last)
  }

  /** Calls `run` once at the absolute time `due`; the result takes it back. */
  at(due: number, run: (now: number) => void): () => void {
    const deadline = new CallbackDeadline(run)
    this.schedule(deadline, due)
    return () => this.cancel(deadline)
  }

  #arm(): void {
    const first = this.#heap[0]
    if (!first || first.due >= this.#armed) return
    this.#timer?.cancel()
    this.#armed = first.due
    if (first.due > this.clock.now()) this.#timer = this.clock.timerAt(first.due, this.#wake)
    else this.#hurry()
  }

  /** Wakes up after the input and output that is waiting; no timer is needed until then. */
  #hurry(): void {
    this.#timer = undefined
    this.#armed = Number.NEGATIVE_INFINITY
    this.clock.soon(this.#wake)
  }

  readonly #wake = (): void => {
    this.#armed = Number.POSITIVE_INFINITY
    this.#timer = undefined
    const heap = this.#heap
    const { clock } = this
    let now = clock.now()
    const end = now + turnBudget
    this.#running = true
    let exhausted = false
    try {
      for (let ran = 1; heap.length > 0 && !exhausted; ran++) {
        const first = heap[0]!
        if (first.due > now) {
          // What fell due meanwhile runs in the same turn of the event loop, at its own time.
          now = clock.now()
          if (first.due > now) break
        }
        this.cancel(first)
        first.onDue(now)
        exhausted = ran % checkEvery === 0 && clock.now() > end
      }
    } finally {
      this.#running = false
      if (exhausted) this.#hurry()
      else this.#arm()
    }
  }

  #up(deadline: Deadline): void {
    const heap = this.#heap
    let at = deadline.slot
    while (at > 0) {
      const parentAt = (at - 1) >> 1
      const parent = heap[parentAt]!
      if (!before(deadline, parent)) break
      heap[at] = parent
      parent.slot = at
      at = parentAt
    }
    heap[at] = deadline
    deadline.slot = at
  }

  #down(deadline: Deadline): void {
    const heap = this.#heap
    const size = heap.length
    let at = deadline.slot
    for (let child = 2 * at + 1; child < size; child = 2 * at + 1) {
      if (child + 1 < size && before(heap[child + 1]!, heap[child]!)) child++
      const lower = heap[child]!
      if (!before(lower, deadline)) break
      heap[at] = lower
      lower.slot = at
      at = child
    }
    heap[at] = deadline
    deadline.slot = at
  }
}

function before(a: Deadline, b: Deadline): boolean {
  return a.due < b.due || (a.due === b.due && a.order < b.order)
}
