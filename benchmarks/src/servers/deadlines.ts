/** Something that is due at an absolute time in milliseconds. */
export interface Due {
  due: number
  /** @returns whether it has a further, later `due` */
  run(): boolean
}

/** One binary heap and one OS timer: the least that exact pacing needs. */
export class Deadlines {
  readonly #heap: Due[] = []
  #timer: NodeJS.Timeout | undefined
  #armed = Number.POSITIVE_INFINITY

  add(one: Due): void {
    const heap = this.#heap
    let at = heap.length
    heap.push(one)
    while (at > 0) {
      const above = (at - 1) >> 1
      if (heap[above]!.due <= one.due) break
      heap[at] = heap[above]!
      at = above
    }
    heap[at] = one
    this.#arm()
  }

  #arm(): void {
    const first = this.#heap[0]
    if (!first || first.due >= this.#armed) return
    clearTimeout(this.#timer)
    this.#armed = first.due
    this.#timer = setTimeout(() => this.#wake(), Math.max(1, Math.ceil(first.due - performance.now())))
  }

  #wake(): void {
    this.#armed = Number.POSITIVE_INFINITY
    const heap = this.#heap
    const now = performance.now()
    while (heap.length > 0 && heap[0]!.due <= now) {
      const first = heap[0]!
      if (first.run()) this.#sink(first)
      else {
        const last = heap.pop()!
        if (heap.length > 0) this.#sink(last)
      }
    }
    this.#arm()
  }

  /** Puts `one` in at the root and lets it down to its place. */
  #sink(one: Due): void {
    const heap = this.#heap
    let at = 0
    for (let below = 1; below < heap.length; below = 2 * at + 1) {
      if (below + 1 < heap.length && heap[below + 1]!.due < heap[below]!.due) below++
      if (heap[below]!.due >= one.due) break
      heap[at] = heap[below]!
      at = below
    }
    heap[at] = one
  }
}
