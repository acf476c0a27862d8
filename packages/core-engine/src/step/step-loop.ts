import type { StepShape } from '@vllm-sim/latency'
import type { StepBatch, StepRequest } from './step-request.ts'
import type { LoopedScheduler } from './step-scheduler.ts'

/** Times in milliseconds. */
export interface StepLoopOptions {
  /** Batches in flight at most: 2 with asynchronous scheduling, else 1. */
  readonly depth: 1 | 2
  /** From the arrival of a request until the engine has it. */
  readonly arrivalDelay: number
  /** What the first batch of all lasts longer. */
  readonly firstStep: number
  /** Whether the second batch is composed only after that time. */
  readonly firstStepBlocks: boolean
  /** How long a batch lasts. */
  duration(shape: StepShape): number
}

/** Hears of every step. All members are optional. */
export interface StepListener {
  /** A batch was composed; without tokens it has no `begin` and no `end`. */
  composed?(batch: StepBatch, at: number, begin: number, end: number): void
  /** A batch ended and was delivered. @param tokens delivered, the prompts of first tokens included */
  ended?(batch: StepBatch, at: number, tokens: number): void
}

interface Flight {
  readonly batch: StepBatch
  end: number
}

/** Parts that are delivered between two looks at whether that took too long. */
const checkEvery = 8

/**
 * The loop of the engine: which batch is composed when, when it begins and ends. It has no clock: `run` does what is due
 * at `due`, however late it is called, so that a wall clock and a virtual one give the same times.
 */
export class StepLoop {
  readonly scheduler: LoopedScheduler
  readonly #options: StepLoopOptions
  readonly #listener: StepListener
  /** By arrival, those that the scheduler has not got. */
  readonly #arriving: StepRequest[] = []
  readonly #inFlight: Flight[] = []
  /** The batch that ended and is being delivered, the next of its parts, and what the former ones brought. */
  #ended: Flight | undefined
  #part = 0
  #tokens = 0
  #now = Number.NEGATIVE_INFINITY
  #lastEnd = Number.NEGATIVE_INFINITY
  #started = false
  /** When those that wait are to be tried again though nothing else happens. */
  #retryAt = Number.POSITIVE_INFINITY
  /** Nothing is composed before. */
  #blockedUntil = Number.NEGATIVE_INFINITY

  constructor(scheduler: LoopedScheduler, options: StepLoopOptions, listener: StepListener = {}) {
    this.scheduler = scheduler
    this.#options = options
    this.#listener = listener
  }

  /** When `run` has something to do; infinity while there is nothing. */
  get due(): number {
    if (this.#ended) return this.#now
    const oldest = this.#inFlight[0]
    if (oldest) {
      return this.#inFlight.length < this.#options.depth ? Math.min(oldest.end, this.#unblocked()) : oldest.end
    }
    const next = this.#arriving[0]
    const other = Math.min(this.#unblocked(), this.#retryAt)
    return next ? Math.min(Math.max(next.arrival + this.#options.arrivalDelay, this.#now), other) : other
  }

  add(request: StepRequest): void {
    const arriving = this.#arriving
    let at = arriving.length
    while (at > 0 && arriving[at - 1]!.arrival > request.arrival) at--
    arriving.splice(at, 0, request)
  }

  /** Moves the present and all that is in flight: the time was another one than the steps so far make it. */
  shift(by: number): void {
    this.#now += by
    this.#lastEnd += by
    this.#blockedUntil += by
    for (const flight of this.#inFlight) flight.end += by
  }

  /** There may be room for those that wait, at the time `now`. */
  retry(now: number): void {
    if (this.#inFlight.length === 0 && this.scheduler.waiting > 0) this.#retryAt = Math.max(now, this.#now)
  }

  /** Takes a request out, wherever it is. */
  end(request: StepRequest): void {
    const at = request.status === 'waiting' ? this.#arriving.indexOf(request) : -1
    if (at < 0) this.scheduler.end(request)
    else {
      this.#arriving.splice(at, 1)
      request.status = 'ended'
    }
  }

  /**
   * Does what is due at `due`, which must be finite.
   * @param isOver asked now and then: whether the work has to stop and go on with a later call
   * @returns false when it stopped
   */
  run(isOver: () => boolean = never): boolean {
    if (!this.#ended) {
      this.#now = this.due
      this.#retryAt = Number.POSITIVE_INFINITY
      if (this.#inFlight[0]?.end === this.#now) {
        this.#ended = this.#inFlight.shift()!
        this.#part = 0
        this.#tokens = 0
      }
    }
    if (this.#ended && !this.#deliver(this.#ended.batch, isOver)) return false
    this.#takeIn()
    while (this.#compose());
    return true
  }

  #deliver(batch: StepBatch, isOver: () => boolean): boolean {
    const { parts } = batch
    const { scheduler } = this
    while (this.#part < parts.length) {
      this.#tokens += scheduler.update(parts[this.#part++]!, this.#now)
      if (this.#part % checkEvery === 0 && this.#part < parts.length && isOver()) return false
    }
    this.#ended = undefined
    this.#listener.ended?.(batch, this.#now, this.#tokens)
    return true
  }

  #takeIn(): void {
    const { arrivalDelay } = this.#options
    const arriving = this.#arriving
    let count = 0
    while (count < arriving.length && arriving[count]!.arrival + arrivalDelay <= this.#now) count++
    for (const request of arriving.splice(0, count)) this.scheduler.add(request)
  }

  /** @returns whether another batch may follow */
  #compose(): boolean {
    const { scheduler } = this
    const inFlight = this.#inFlight
    const now = this.#now
    if (now < this.#blockedUntil) return false
    if (inFlight.length >= this.#options.depth || scheduler.running.length + scheduler.waiting === 0) return false
    const batch = scheduler.schedule()
    for (const request of batch.preempted) request.preempted(now)
    this.#refuseStuck(batch)
    if (batch.admitted.length > 0) this.#admit(batch)
    if (batch.parts.length > 0) {
      this.#launch(batch)
      return true
    }
    if (batch.preempted.length > 0) this.#listener.composed?.(batch, now, Number.NaN, Number.NaN)
    if (batch.admitted.length > 0) return true
    if (inFlight.length > 0) return false
    if (batch.preempted.length > 0) return true
    // Nobody runs, so what is first would never be admitted.
    const head = scheduler.head
    if (!head || scheduler.running.length > 0 || !this.#isEmpty) return false
    head.refused(now)
    scheduler.end(head)
    return true
  }

  /** Who runs alone and loses its blocks twice at the same token would do so for ever: the cache is too small for it. */
  #refuseStuck({ preempted }: StepBatch): void {
    const [request] = preempted
    if (!request || preempted.length > 1 || this.scheduler.running.length > 0 || !this.#isEmpty) return
    if (request.stuckAt === request.tokens) {
      request.refused(this.#now)
      this.scheduler.end(request)
    } else request.stuckAt = request.tokens
  }

  /** Tells those that the batch admits; who does not run after all takes no part in it. */
  #admit(batch: StepBatch): void {
    const { parts } = batch
    for (const { request, cached } of batch.admitted) {
      if (request.status === 'ended' || request.admitted(cached, this.#now)) continue
      this.scheduler.end(request)
    }
    let kept = 0
    for (const part of parts) if (part.request.status !== 'ended') parts[kept++] = part
    parts.length = kept
  }

  #launch(batch: StepBatch): void {
    const { firstStep, firstStepBlocks } = this.#options
    const now = this.#now
    const begin = Math.max(this.#lastEnd, now)
    let end = begin + this.#options.duration(batch.shape)
    if (!this.#started) {
      this.#started = true
      end += firstStep
      if (firstStepBlocks) this.#blockedUntil = now + firstStep
    }
    this.#lastEnd = end
    this.#inFlight.push({ batch, end })
    this.#listener.composed?.(batch, now, begin, end)
  }

  /** Nobody has blocks, nor are any kept for another instance. */
  get #isEmpty(): boolean {
    const { free, usable } = this.scheduler.blocks
    return free === usable
  }

  #unblocked(): number {
    return this.#blockedUntil > this.#now ? this.#blockedUntil : Number.POSITIVE_INFINITY
  }
}

function never(): boolean {
  return false
}
