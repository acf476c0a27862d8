import type { LatencyModel, Timeline } from '@vllm-sim/latency'
import { EngineCache } from './engine-cache.ts'
import { EngineHost } from './engine-host.ts'
import type { EngineOptions, EngineSnapshot } from './engine-options.ts'
import { QueueFullError, type RequestError } from './errors.ts'
import type { EngineObserver } from './events.ts'
import { type Generated, GeneratedStream } from './generate.ts'
import { extraDelay, finishReason, generate, outcomeOf, prepare, prepareText } from './generation.ts'
import { Idle } from './idle.ts'
import { LiveRequests } from './live-requests.ts'
import { LoraRegistry } from './lora.ts'
import { Observers } from './observers.ts'
import { Pump } from './pump.ts'
import type { FinishReason, GenerationRequest, KvTransferParams, OutputSink, RequestHandle } from './request.ts'
import { Seeding } from './seeding.ts'
import type { Sequence } from './sequence.ts'
import { StopScanner } from './stop.ts'
import { Submission, type SubmissionHost } from './submission.ts'
import { TokenBatch } from './token.ts'

/** Wires admission, pacer, cache and text together. All calls are synchronous; all waiting is the timeline's. */
export class Engine {
  readonly timeline: Timeline
  readonly loras: LoraRegistry
  /** Context window in tokens. */
  readonly maxModelLen: number
  readonly #options: EngineOptions
  readonly #observers: Observers
  readonly #seeding: Seeding
  readonly #cache: EngineCache
  readonly #host: EngineHost
  readonly #idle: Idle
  readonly #pump: Pump
  readonly #readers: SubmissionHost
  readonly #requests = new LiveRequests()
  readonly #batch = new TokenBatch()

  constructor(options: EngineOptions) {
    this.#options = options
    this.timeline = options.timeline
    this.maxModelLen = options.maxModelLen
    this.loras = new LoraRegistry(options.maxLoras ?? 1)
    this.#observers = new Observers(options.observers ?? [])
    this.#seeding = new Seeding(options.seed)
    this.#cache = new EngineCache(options, this.#observers, this.loras)
    this.#host = new EngineHost(options, this.loras, this.#cache, {
      advance: (sequence, due, now) => this.#advance(sequence, due, now),
      open: (sequence, now) => this.#open(sequence, now),
      start: (sequence, now) => this.#start(sequence, now),
      preempted: (sequence, now) => this.#preempted(sequence, now),
      stepped: (tokens, now) => this.#observers.onStep(tokens, this.running, this.#host.waiting, now),
      refuse: (sequence, error, now) => this.#end(sequence, 'error', now, error),
    })
    const { admission, pacer } = this.#host
    this.#idle = new Idle(admission)
    this.#pump = new Pump(this.timeline, admission, this.#idle, (sequence, now) => pacer.start(sequence, now))
    this.#readers = {
      timeline: this.timeline,
      pacer,
      idle: this.#idle,
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
    const { admission } = this.#host
    if (request.limits.stop) StopScanner.check(request.limits.stop)
    if (!admission.accepts(request.prompts.length * request.n, request.lora)) throw new QueueFullError()
    const submission = new Submission(this.#readers, sink)
    const { sequences } = submission
    this.#seeding.sequences(request, submission, sequences)
    if (sequences.length > 0) this.#requests.push(submission)
    const { timeline } = this
    const now = timeline.clock.now()
    const before = this.#pump.pause()
    for (const sequence of sequences) {
      const late = timeline.isOver
      if (!late && admission.add(sequence)) this.#host.pacer.start(sequence, now)
      else {
        if (late) admission.enqueue(sequence)
        sequence.queuedAt = now
        this.#observers.onQueued(sequence, now)
      }
    }
    this.#pump.release(before, now)
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
    this.#pump.run(this.timeline.clock.now())
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
    this.#idle.when(run)
  }

  #open(sequence: Sequence, now: number): boolean {
    const refused = prepareText(sequence, this.#options)
    if (refused) this.#end(sequence, 'error', now, refused)
    return !refused
  }

  #start(sequence: Sequence, now: number): boolean {
    const first = sequence.startedAt < 0
    if (first) sequence.startedAt = now
    this.#observers.onStarted(sequence, now)
    if (!first) return true
    const refused = prepare(sequence, this.#cache, this.#options)
    if (refused) this.#end(sequence, 'error', now, refused)
    else if (this.#cache.refuses(sequence)) this.#end(sequence, 'cache_threshold', now)
    else return true
    return false
  }

  #preempted(sequence: Sequence, now: number): void {
    sequence.status = 'waiting'
    this.#observers.onPreempted(sequence, now)
  }

  #advance(sequence: Sequence, due: number, now: number): boolean {
    const batch = this.#batch
    const failed = generate(sequence, due, batch)
    const { count } = batch
    const first = sequence.firstTokenAt < 0
    if (count > 0) {
      if (sequence.outputIds) batch.addIdsTo(sequence.outputIds)
      this.#observers.onTokens(sequence, count, now)
      sequence.generatedTokens += count
      sequence.lastTokenAt = now
    }
    if (first) sequence.firstTokenAt = now
    if (count > 0 || first) sequence.reader.tokens(sequence, batch)
    if (sequence.status === 'ended') return false
    if (failed) this.#end(sequence, 'error', now, failed)
    else if (sequence.complete) this.#endLater(sequence, now)
    else return true
    return false
  }

  #endLater(sequence: Sequence, now: number): void {
    const reason = finishReason(sequence)
    const delay = extraDelay(sequence)
    if (delay <= 0) this.#end(sequence, reason, now)
    else {
      this.timeline.at(now + delay, then => {
        if (sequence.status !== 'ended') this.#end(sequence, reason, then)
      })
    }
  }

  #end(sequence: Sequence, reason: FinishReason, now: number, error?: RequestError): void {
    this.#host.pacer.stop(sequence)
    const params = this.#handOver(sequence, reason, now)
    this.#cache.free(sequence)
    if (sequence.status === 'running') this.#host.admission.release(sequence)
    else this.#host.admission.withdraw(sequence)
    this.#report(sequence, reason, now, error, params)
    this.#pump.run(now)
  }

  /** The blocks of a prompt that another instance will decode stay in use until it has them. */
  #handOver(sequence: Sequence, reason: FinishReason, now: number): KvTransferParams | undefined {
    const { handOver } = this.#options
    if (!handOver || sequence.index > 0 || !sequence.request.kvTransfer?.doRemoteDecode) return undefined
    if (reason === 'abort' || reason === 'error') return undefined
    return handOver(
      sequence,
      this.#cache.hold(sequence, () => this.#pump.run(this.timeline.clock.now())),
      now,
    )
  }

  #report(
    sequence: Sequence,
    reason: FinishReason,
    now: number,
    error?: RequestError,
    kvTransferParams?: KvTransferParams,
  ): void {
    const outcome = outcomeOf(sequence, reason, error, kvTransferParams)
    this.#observers.onFinished(sequence, outcome, now)
    if (!sequence.reader.finish(sequence, outcome)) this.#idle.keep()
  }

  #abort(submission: Submission): void {
    const now = this.timeline.clock.now()
    const before = this.#pump.pause()
    submission.forget()
    for (const sequence of submission.sequences) {
      if (sequence.status === 'waiting' || sequence.status === 'running') this.#end(sequence, 'abort', now)
    }
    this.#pump.release(before, now)
  }
}
