import type { StepShape } from '@vllm-sim/latency'
import type { StepBatch, StepPart, StepRequest } from './step-request.ts'
import type { LoopedScheduler, StepScheduler } from './step-scheduler.ts'

/** How often the front end looks at what the ranks reported, milliseconds. */
const viewInterval = 100

/** What the front end knows of a rank. */
interface View {
  waiting: number
  running: number
}

/**
 * Data-parallel ranks in lockstep, to the loop one scheduler: all compose at the same time and one duration holds for all.
 * Each has its own requests and blocks.
 */
export class Lockstep implements LoopedScheduler {
  readonly #ranks: readonly StepScheduler[]
  readonly #weigh: (shape: StepShape) => number
  readonly #rankOf = new WeakMap<StepRequest, StepScheduler>()
  #views: View[]
  #viewedAt = Number.NEGATIVE_INFINITY
  /** What the ranks told at the end of the step before, and of the last one. */
  #reported: View[]
  #next: View[]

  /** @param weigh how long a step lasts: of the ranks' own parts the longest counts */
  constructor(ranks: readonly StepScheduler[], weigh: (shape: StepShape) => number) {
    this.#ranks = ranks
    this.#weigh = weigh
    const none = () => ranks.map(() => ({ waiting: 0, running: 0 }))
    this.#views = none()
    this.#reported = none()
    this.#next = none()
  }

  get running(): { readonly length: number } {
    return { length: this.#sum(rank => rank.running.length) }
  }

  get waiting(): number {
    return this.#sum(rank => rank.waiting)
  }

  get head(): StepRequest | undefined {
    return this.#ranks.find(rank => rank.waiting > 0)?.head
  }

  get blocks(): { readonly free: number; readonly usable: number } {
    return { free: this.#sum(rank => rank.blocks.free), usable: this.#sum(rank => rank.blocks.usable) }
  }

  /** The front end gives a request to the rank with the least to do, as far as it knows. */
  add(request: StepRequest): void {
    if (request.arrival - this.#viewedAt >= viewInterval) {
      this.#views = this.#reported.map(view => ({ ...view }))
      this.#viewedAt = request.arrival
    }
    const load = ({ waiting, running }: View) => 4 * waiting + running
    let best = 0
    for (let at = 1; at < this.#views.length; at++) {
      if (load(this.#views[at]!) < load(this.#views[best]!)) best = at
    }
    this.#views[best]!.waiting++
    const rank = this.#ranks[best]!
    this.#rankOf.set(request, rank)
    rank.add(request)
  }

  schedule(): StepBatch {
    const batches = this.#ranks.map(rank => rank.schedule())
    this.#reported = this.#next
    this.#next = this.#ranks.map(({ waiting, running }) => ({ waiting, running: running.length }))
    const longest = batches.reduce((most, one) => (this.#own(one.shape) > this.#own(most.shape) ? one : most)).shape
    const { shape } = batches[0]!
    const sum = (of: (one: StepShape) => number) => batches.reduce((total, one) => total + of(one.shape), 0)
    const [tokens, prefillTokens] = [sum(one => one.tokens), sum(one => one.prefillTokens)]
    const { decodes, context, longest: most, attention } = longest
    Object.assign(shape, { tokens, prefillTokens, decodes, context, longest: most, attention })
    return {
      parts: batches.flatMap(one => one.parts),
      admitted: batches.flatMap(one => one.admitted),
      preempted: batches.flatMap(one => one.preempted),
      shape,
    }
  }

  update(part: StepPart, now: number): number {
    return this.#rankOf.get(part.request)!.update(part, now)
  }

  end(request: StepRequest): void {
    this.#rankOf.get(request)?.end(request)
  }

  #own(shape: StepShape): number {
    return shape.tokens === 0 ? 0 : this.#weigh(shape)
  }

  #sum(of: (rank: StepScheduler) => number): number {
    return this.#ranks.reduce((sum, rank) => sum + of(rank), 0)
  }
}
