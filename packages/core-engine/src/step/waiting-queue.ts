import { LinkedList } from '../linked-list.ts'
import type { StepRequest } from './step-request.ts'

/** Requests that wait to be admitted. Every operation is O(log n) or better. */
export interface WaitingQueue {
  readonly size: number
  /** Who is admitted next. */
  readonly first: StepRequest | undefined
  push(request: StepRequest): void
  /** Puts a request before all others, where the order leaves that open. */
  prepend(request: StepRequest): void
  remove(request: StepRequest): void
}

/** First come, first served. */
export class ArrivalQueue extends LinkedList<StepRequest> implements WaitingQueue {
  #size = 0

  get size(): number {
    return this.#size
  }

  override push(request: StepRequest): void {
    this.#size++
    super.push(request)
  }

  override prepend(request: StepRequest): void {
    this.#size++
    super.prepend(request)
  }

  override remove(request: StepRequest): void {
    this.#size--
    super.remove(request)
  }
}

/** A binary heap by priority, then arrival, then id. */
export class PriorityQueue implements WaitingQueue {
  readonly #heap: StepRequest[] = []

  get size(): number {
    return this.#heap.length
  }

  get first(): StepRequest | undefined {
    return this.#heap[0]
  }

  push(request: StepRequest): void {
    this.#heap.push(request)
    this.#up(request, this.#heap.length - 1)
  }

  prepend(request: StepRequest): void {
    this.push(request)
  }

  remove(request: StepRequest): void {
    const { place } = request
    const last = this.#heap.pop()!
    if (last === request) return
    this.#up(last, place)
    this.#down(last, last.place)
  }

  #up(request: StepRequest, from: number): void {
    const heap = this.#heap
    let at = from
    while (at > 0) {
      const parent = heap[(at - 1) >> 1]!
      if (!isBefore(request, parent)) break
      heap[at] = parent
      parent.place = at
      at = (at - 1) >> 1
    }
    heap[at] = request
    request.place = at
  }

  #down(request: StepRequest, from: number): void {
    const heap = this.#heap
    let at = from
    for (;;) {
      let child = 2 * at + 1
      if (child >= heap.length) break
      if (child + 1 < heap.length && isBefore(heap[child + 1]!, heap[child]!)) child++
      if (!isBefore(heap[child]!, request)) break
      heap[at] = heap[child]!
      heap[at]!.place = at
      at = child
    }
    heap[at] = request
    request.place = at
  }
}

function isBefore(a: StepRequest, b: StepRequest): boolean {
  if (a.priority !== b.priority) return a.priority < b.priority
  return a.arrival !== b.arrival ? a.arrival < b.arrival : a.id < b.id
}
