/** Something that wants to run at an absolute time. The timeline owns `due`, `slot` and `order` while it is scheduled. */
export abstract class Deadline {
  /**
   * Absolute time in milliseconds of the clock; 0 while deferred. Begins as what V8 does not take for a whole number: it
   * gives all objects of the class another form, and compiles what uses them anew, when the first fraction comes.
   */
  due = Number.POSITIVE_INFINITY
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

/** A deadline that calls a function. */
export class CallbackDeadline extends Deadline {
  readonly #run: (now: number) => void

  constructor(run: (now: number) => void) {
    super()
    this.#run = run
  }

  override onDue(now: number): void {
    this.#run(now)
  }
}

/** A binary heap of deadlines by time, ties in order of scheduling. Owns `slot` of the deadlines in it. */
export class DeadlineHeap {
  readonly #heap: Deadline[]

  constructor() {
    // V8 gives lists of objects another form than empty ones, and what was compiled for those is thrown away.
    const heap: object[] = [{}]
    heap.pop()
    this.#heap = heap as Deadline[]
  }

  get size(): number {
    return this.#heap.length
  }

  get first(): Deadline | undefined {
    return this.#heap[0]
  }

  has(deadline: Deadline): boolean {
    const { slot } = deadline
    // It may be in another heap, at a place that this one does not have.
    return slot >= 0 && slot < this.#heap.length && this.#heap[slot] === deadline
  }

  /** Adds a deadline that is in no heap. O(log n). */
  push(deadline: Deadline): void {
    deadline.slot = this.#heap.length
    this.#heap.push(deadline)
    this.#up(deadline)
  }

  /** Puts a deadline of this heap in its place after `due` or `order` changed. O(log n). */
  moved(deadline: Deadline): void {
    this.#up(deadline)
    this.#down(deadline)
  }

  /** Takes out a deadline of this heap. O(log n). */
  remove(deadline: Deadline): void {
    const { slot } = deadline
    deadline.slot = -1
    const last = this.#heap.pop()!
    if (last === deadline) return
    last.slot = slot
    this.#heap[slot] = last
    this.moved(last)
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
