import { Deadline, type StepCost, type Timeline } from '@vllm-sim/latency'
import type { Admission } from '../admission.ts'
import { CacheCapacityError } from '../errors.ts'
import { LinkedList } from '../linked-list.ts'
import type { Pacer } from '../pacer.ts'
import type { SchedulingFactory, SchedulingHost } from '../scheduling.ts'
import type { Sequence } from '../sequence.ts'
import type { StepCache } from './step-cache.ts'
import { StepLoop } from './step-loop.ts'
import { StepScheduler, type StepSchedulerOptions } from './step-scheduler.ts'
import { type SteppedHost, SteppedSequence } from './stepped-sequence.ts'

/** How sequences share the steps of an engine. Times in milliseconds. */
export interface StepSchedulingOptions extends Omit<StepSchedulerOptions, 'numBlocks' | 'maxNumSeqs'> {
  /** The engine's cache, whose blocks the steps take. */
  readonly cache: StepCache
  /** The next step is composed while one runs. */
  readonly async: boolean
  /** From the arrival of a request until the engine has it. */
  readonly arrivalDelay: number
  /** What the steps cost from now on. Asked for every step. */
  readonly cost: () => StepCost
}

/** One engine step after another for all sequences, as vLLM: who runs and when tokens are due follow from the batch. */
export function stepScheduling(options: StepSchedulingOptions): SchedulingFactory {
  return host => {
    const steps = new StepPacer(host, options)
    return { admission: steps, pacer: steps }
  }
}

/** Admission and pacing in one: a single deadline, the next boundary of the loop. */
class StepPacer extends Deadline implements Admission, Pacer, SteppedHost {
  readonly maxModelLen: number
  readonly usableBlocks: number
  readonly blockSize: number
  readonly timeline: Timeline
  readonly #host: SchedulingHost
  readonly #cache: StepCache
  readonly #loop: StepLoop
  /** New sequences, which have no text yet. */
  readonly #unopened = new LinkedList<Sequence>()
  /** Numbers for the adapters of those that wait or run. */
  readonly #loras = new Map<string, number>()
  #ids = 0
  #running = 0
  #waiting = 0
  /** The loop runs, or has stopped in the middle of a step. */
  #busy = false

  constructor(host: SchedulingHost, options: StepSchedulingOptions) {
    super()
    const { cache, cost } = options
    const { coefficients } = cost()
    this.#host = host
    this.#cache = cache
    this.timeline = host.timeline
    this.maxModelLen = options.maxModelLen
    this.usableBlocks = cache.blocks.usable
    this.blockSize = cache.blocks.blockSize
    const scheduler = new StepScheduler(
      { ...options, maxNumSeqs: host.maxNumSeqs, numBlocks: this.usableBlocks + 1 },
      cache.blocks,
    )
    this.#loop = new StepLoop(
      scheduler,
      {
        depth: options.async ? 2 : 1,
        arrivalDelay: options.arrivalDelay,
        firstStep: coefficients.first_step_ms ?? 0,
        firstStepBlocks: coefficients.first_step_blocks ?? false,
        duration: shape => cost().time(shape),
      },
      {
        composed: () => cache.tellUsage(),
        ended: (_, at, tokens) => {
          cache.tellUsage()
          host.stepped(tokens, at)
        },
      },
    )
    cache.onFreed = () => {
      this.#loop.retry(this.timeline.clock.now())
      this.#arm()
    }
  }

  get running(): number {
    return this.#running
  }

  get waiting(): number {
    return this.#waiting
  }

  accepts(count: number): boolean {
    const { maxNumSeqs, maxWaiting } = this.#host
    return this.#running + this.#waiting + count <= maxNumSeqs + maxWaiting
  }

  add(sequence: Sequence): boolean {
    this.enqueue(sequence)
    return false
  }

  enqueue(sequence: Sequence): void {
    sequence.status = 'waiting'
    this.#waiting++
    this.#unopened.push(sequence)
  }

  /** The next sequence that has no text yet; the loop knows by itself who runs. */
  next(): Sequence | undefined {
    const { first } = this.#unopened
    if (first) this.#unopened.remove(first)
    return first
  }

  withdraw(sequence: Sequence): void {
    sequence.status = 'ended'
    this.#waiting--
    if (this.#unopened.has(sequence)) this.#unopened.remove(sequence)
    this.#left(sequence)
  }

  release(sequence: Sequence): void {
    sequence.status = 'ended'
    this.#running--
    this.#left(sequence)
  }

  start(sequence: Sequence, now: number): void {
    if (!this.#host.open(sequence, now)) return
    const needed = Math.ceil((sequence.promptTokens + 1) / this.blockSize)
    if (needed > this.usableBlocks) {
      this.refuse(sequence, new CacheCapacityError(needed, this.usableBlocks), now)
      return
    }
    sequence.outputIds = []
    const keys = this.#cache.keysOf(sequence)
    sequence.stepped = new SteppedSequence(this, sequence, this.#ids++, this.#loraOf(sequence), keys)
    this.#loop.add(sequence.stepped)
    this.#arm()
  }

  stop({ stepped }: Sequence): void {
    if (!stepped) return
    stepped.stop()
    // Who is getting its last tokens leaves after them.
    if (stepped.delivering) return
    this.#loop.end(stepped)
    if (this.#busy) return
    this.#cache.tellUsage()
    this.#arm()
  }

  hold({ stepped }: Sequence): void {
    if (stepped) stepped.held = true
  }

  resume({ stepped }: Sequence): void {
    if (stepped?.held) stepped.resume()
  }

  advance(sequence: Sequence, due: number, now: number): boolean {
    return this.#host.advance(sequence, due, now)
  }

  refuse(...given: Parameters<SchedulingHost['refuse']>): void {
    this.#host.refuse(...given)
  }

  admitted({ sequence }: SteppedSequence, cached: number, now: number): boolean {
    this.#waiting--
    this.#running++
    sequence.status = 'running'
    if (sequence.startedAt < 0) sequence.cachedTokens = cached
    const { loras } = this.#host
    const { lora } = sequence.request
    if (lora !== undefined && (loras.isReady(lora) || loras.canLoad())) sequence.adapter = loras.acquire(lora)
    return this.#host.start(sequence, now)
  }

  preempted({ sequence }: SteppedSequence, now: number): void {
    this.#running--
    this.#waiting++
    this.#releaseAdapter(sequence)
    this.#host.preempted(sequence, now)
  }

  override onDue(): void {
    this.#busy = true
    if (!this.#loop.run(() => this.timeline.isOver)) {
      this.timeline.defer(this)
      return
    }
    this.#busy = false
    this.#arm()
  }

  #arm(): void {
    if (this.#busy) return
    const { due } = this.#loop
    if (due === Number.POSITIVE_INFINITY) this.timeline.cancel(this)
    else if (this.slot < 0 || this.due !== due) this.timeline.schedule(this, due)
  }

  #left(sequence: Sequence): void {
    this.#releaseAdapter(sequence)
    if (this.#running + this.#waiting === 0) this.#loras.clear()
  }

  #releaseAdapter(sequence: Sequence): void {
    if (sequence.adapter) this.#host.loras.release(sequence.adapter)
    sequence.adapter = undefined
  }

  #loraOf({ request }: Sequence): number {
    const { lora } = request
    if (lora === undefined || !this.#host.loras.registered.has(lora)) return 0
    let number = this.#loras.get(lora)
    if (number === undefined) this.#loras.set(lora, (number = this.#loras.size + 1))
    return number
  }
}
