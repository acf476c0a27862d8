import type { LatencyModel, Timeline } from '@vllm-sim/latency'
import { EngineCache } from './engine-cache.ts'
import { EngineHost } from './engine-host.ts'
import type { EngineOptions, EngineSnapshot } from './engine-options.ts'
import { QueueFullError } from './errors.ts'
import type { EngineObserver } from './events.ts'
import { type Generated, GeneratedStream } from './generate.ts'
import { LiveRequests } from './live-requests.ts'
import { LoraRegistry } from './lora.ts'
import { Observers } from './observers.ts'
import type { GenerationRequest, OutputSink, RequestHandle } from './request.ts'
import { Seeding } from './seeding.ts'
import { StopScanner } from './stop.ts'
import { Submission, type SubmissionHost } from './submission.ts'

/** Wires admission, pacer, cache and text together. All calls are synchronous; all waiting is the timeline's. */
export class Engine {
  readonly timeline: Timeline
  readonly loras: LoraRegistry
  /** Context window in tokens. */
  readonly maxModelLen: number
  readonly #observers: Observers
  readonly #seeding: Seeding
  readonly #cache: EngineCache
  readonly #host: EngineHost
  readonly #readers: SubmissionHost
  readonly #requests = new LiveRequests()

  constructor(options: EngineOptions) {
    this.timeline = options.timeline
    this.maxModelLen = options.maxModelLen
    this.loras = new LoraRegistry(options.maxLoras ?? 1)
    this.#observers = new Observers(options.observers ?? [])
    this.#seeding = new Seeding(options.seed)
    this.#cache = new EngineCache(options, this.#observers, this.loras)
    this.#host = new EngineHost(options, this.#observers, this.loras, this.#cache)
    this.#readers = {
      timeline: this.timeline,
      pacer: this.#host.pacer,
      delivered: () => this.#host.pump.delivered(),
      requests: this.#requests,
      kept: 0,
      abort: submission => this.#abort(submission),
    }
  }

  /** The model in force; another one counts from the next delay on. */
  get latency(): LatencyModel {
    return this.#host.latency
  }

  set latency(model: LatencyModel) {
    this.#host.latency = model
  }

  /** Sequences that run at this moment. */
  get running(): number {
    return this.#host.running
  }

  /** Adds an observer; it hears what happens from now on. */
  observe(observer: EngineObserver): void {
    this.#observers.add(observer)
  }

  snapshot(): EngineSnapshot {
    const { running, waiting } = this.#host
    return { running, waiting, cacheUsage: this.#cache.usage, sleeping: this.#cache.sleeping }
  }

  /**
   * Takes a request in. The beginning of what is due at once is delivered before this returns; a long answer, and what
   * many choices or requests bring, goes on in the next turns of the event loop.
   * @throws QueueFullError when there is not room for all its sequences; then none of them was taken
   * @throws RequestError when its stop strings are too long
   */
  submit(request: GenerationRequest, sink: OutputSink): RequestHandle {
    const { admission, pacer, pump } = this.#host
    if (request.limits.stop) StopScanner.check(request.limits.stop)
    if (!admission.accepts(request.prompts.length * request.n, request.lora)) throw new QueueFullError()
    const submission = new Submission(this.#readers, sink)
    const { sequences } = submission
    this.#seeding.sequences(request, submission, sequences)
    if (sequences.length > 0) this.#requests.push(submission)
    const { timeline } = this
    const now = timeline.clock.now()
    const before = pump.pause()
    for (const sequence of sequences) {
      const late = timeline.isOver
      if (!late && admission.add(sequence)) pacer.start(sequence, now)
      else {
        if (late) admission.enqueue(sequence)
        sequence.queuedAt = now
        this.#observers.onQueued(sequence, now)
      }
    }
    pump.release(before, now)
    return submission
  }

  /**
   * Ends every request that goes by one of these ids, whichever transport it came by; their answers end with `abort`. Ids
   * that nobody has are no error.
   */
  abortRequests(ids: ReadonlySet<string>): void {
    for (const submission of this.#requests.withIds(ids)) submission.abort()
  }

  /**
   * The same as an async iterable: tokens as they fall due, and how each choice ended. Who reads slowly holds the engine
   * back; who leaves the loop aborts the request.
   * @throws as `submit`, before anything is yielded
   */
  generate(request: GenerationRequest): AsyncIterableIterator<Generated> {
    return new GeneratedStream(request, sink => this.submit(request, sink))
  }

  /** Drops the KV cache and runs without it until `wake`. Requests are served meanwhile. */
  sleep(level = 1): void {
    this.#cache.sleep(level)
    this.#host.pump.run(this.timeline.clock.now())
  }

  /** Ends sleep. @param cache whether the KV cache is used again */
  wake(cache = true): void {
    this.#cache.wake(cache)
  }

  /** Empties the prefix cache. @returns false when a running sequence uses it, and nothing was done */
  resetPrefixCache(): boolean {
    return this.#cache.reset()
  }

  /** Calls `run` as soon as nothing runs or waits, and every reader has its answer. */
  whenIdle(run: () => void): void {
    this.#host.pump.whenIdle(run)
  }

  #abort(submission: Submission): void {
    const { pump } = this.#host
    const now = this.timeline.clock.now()
    const before = pump.pause()
    submission.forget()
    for (const sequence of submission.sequences) {
      if (sequence.status === 'waiting' || sequence.status === 'running') this.#host.end(sequence, 'abort', now)
    }
    pump.release(before, now)
  }
}
