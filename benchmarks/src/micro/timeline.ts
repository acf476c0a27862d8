import { Deadline, Timeline, VirtualClock } from '@vllm-sim/latency'
import { type MicroCase, sink } from './case.ts'

/** Streams that run at the same time, and their inter-token latency in milliseconds. */
const streams = 2000
const itl = 20

class Token extends Deadline {
  readonly #timeline: Timeline
  runs = 0

  constructor(timeline: Timeline) {
    super()
    this.#timeline = timeline
  }

  override onDue(): void {
    this.runs++
    this.#timeline.schedule(this, this.due + itl)
  }
}

/** One deadline of 2,000 runs and is scheduled anew. */
export function timelineCase(): MicroCase {
  const clock = new VirtualClock()
  const timeline = new Timeline(clock)
  for (let at = 0; at < streams; at++) timeline.schedule(new Token(timeline), 1 + (at * itl) / streams)
  const heap = Float64Array.from({ length: streams }, (_, at) => (at * itl) / streams)
  return {
    operation: 'deadline: run and schedule the next, among 2,000',
    against: 'replace the smallest of 2,000 numbers in a heap',
    run: count => clock.advance((count / streams) * itl),
    baseline(count) {
      for (let done = 0; done < count; done++) replaceSmallest(heap, heap[0]! + itl)
      sink.value = heap[0]
    },
  }
}

/** The same order of due times, without objects, calls or ties. */
function replaceSmallest(heap: Float64Array, value: number): void {
  let at = 0
  for (let below = 1; below < heap.length; below = 2 * at + 1) {
    if (below + 1 < heap.length && heap[below + 1]! < heap[below]!) below++
    if (heap[below]! >= value) break
    heap[at] = heap[below]!
    at = below
  }
  heap[at] = value
}
