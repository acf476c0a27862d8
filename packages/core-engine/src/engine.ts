import { Deadline, type LatencyModel, sampleDelay, type Timeline } from '@vllm-sim/latency'
import type { Admission } from './admission.ts'
import { CacheThreshold } from './cache-threshold.ts'
import type { EngineOptions, EngineSnapshot } from './engine-options.ts'
import { asRequestError, CacheCapacityError, ContextLengthError, QueueFullError, type RequestError } from './errors.ts'
import type { EngineObserver } from './events.ts'
import { type Generated, GeneratedStream } from './generate.ts'
import { finishReason, generate, outcomeOf } from './generation.ts'
import type { KvCache } from './kv-cache.ts'
import { LinkedList } from './linked-list.ts'
import { LoraRegistry } from './lora.ts'
import { Observers } from './observers.ts'
import { openText } from './opening.ts'
import type { Pacer } from './pacer.ts'
import type { FinishReason, GenerationRequest, OutputSink, RequestHandle } from './request.ts'
import { perSequence, type SchedulingHost } from './scheduling.ts'
import { Seeding } from './seeding.ts'
import type { Sequence } from './sequence.ts'
import { StopScanner } from './stop.ts'
import { Submission, type SubmissionHost } from './submission.ts'
import { TokenBatch } from './token.ts'

/** Wires admission, pacer, cache and text together. All calls are synchronous; all waiting is the timeline's. */
export class Engine {
  readonly timeline: Timeline
  readonly loras: LoraRegistry
  /** The model in force; another one counts from the next delay on. */
  latency: LatencyModel
  readonly #options: EngineOptions
  readonly #admission: Admission
  readonly #pacer: Pacer
  readonly #observers: Observers
  readonly #seeding: Seeding
  readonly #cache: KvCache | undefined
  readonly #threshold: CacheThreshold
  readonly #readers: SubmissionHost
  /** Requests that have not got all of their answer. */
  readonly #requests = new LinkedList<Submission>()
  readonly #idle: (() => void)[] = []
  readonly #batch = new TokenBatch()
  readonly #rest: Deadline
  /** Sequences that ended and wait for their reader. */
  #undelivered = 0
  #sleepLevel: number | undefined
  #pumping = false

  constructor(options: EngineOptions) {
    this.#options = options
    this.timeline = options.timeline
    this.latency = options.latency
    this.loras = new LoraRegistry(options.maxLoras ?? 1)
    this.#cache = options.cache
    this.#observers = new Observers(options.observers ?? [])
    this.#seeding = new Seeding(options.seed)
    this.#threshold = new CacheThreshold(options.cacheHitThreshold ?? 0)
    this.#rest = new Rest(now => this.#pump(now))
    const { admission, pacer } = (options.scheduling ?? perSequence)(this.#schedulingHost())
    this.#admission = admission
    this.#pacer = pacer
    this.#readers = {
      timeline: this.timeline,
      kept: 0,
      abort: submission => this.#abort(submission),
      hold: sequence => pacer.hold(sequence),
      resume: sequence => pacer.resume(sequence),
      delivered: () => this.#delivered(),
      ended: submission => this.#requests.remove(submission),
    }
    this.#cache?.listen({
      event: event => this.#observers.onCacheEvent(event, this.timeline.clock.now()),
      usage: usage => this.#observers.onCacheUsage(usage),
      lookup: (queried, hit) => this.#observers.onPrefixLookup(queried, hit),
      isLoaded: model => !this.loras.registered.has(model) || this.loras.isLoaded(model),
    })
  }

  /** Sequences that run at this moment. */
  get running(): number {
    return this.#admission.running
  }

  get maxModelLen(): number {
    return this.#options.maxModelLen
  }

  /** Adds an observer; it hears what happens from now on. */
  observe(observer: EngineObserver): void {
    this.#observers.add(observer)
  }

  snapshot(): EngineSnapshot {
    return {
      running: this.#admission.running,
      waiting: this.#admission.waiting,
      cacheUsage: this.#cache?.usage ?? 0,
      sleeping: this.#sleepLevel !== undefined,
    }
  }

  /**
   * Takes a request in. The beginning of what is due at once is delivered before this returns; a long answer, and what
   * many choices bring, goes on in the next turns of the event loop.
   * @throws QueueFullError when there is not room for all its sequences; then none of them was taken
   * @throws RequestError when its stop strings are too long
   */
  submit(request: GenerationRequest, sink: OutputSink): RequestHandle {
    StopScanner.check(request.limits)
    if (!this.#admission.accepts(request.prompts.length * request.n, request.lora)) throw new QueueFullError()
    const submission = new Submission(this.#readers, sink)
    const { sequences } = submission
    this.#seeding.sequences(request, submission, sequences)
    if (sequences.length > 0) this.#requests.push(submission)
    const { clock, turnEnd } = this.timeline
    const now = clock.now()
    const wasPumping = this.#pumping
    this.#pumping = true
    for (const sequence of sequences) {
      const late = sequence.index > 0 && clock.real.now() > turnEnd
      if (!late && this.#admission.add(sequence)) this.#start(sequence, now)
      else {
        if (late) this.#admission.enqueue(sequence)
        sequence.queuedAt = now
        this.#observers.onQueued(sequence, now)
      }
    }
    this.#pumping = wasPumping
    this.#pump(now)
    return submission
  }

  /**
   * Ends every request that goes by one of these ids, whichever transport it came by; their answers end with `abort`. Ids
   * that nobody has are no error.
   */
  abortRequests(ids: ReadonlySet<string>): void {
    const found: Submission[] = []
    for (let one = this.#requests.first; one; one = one.following) {
      if (ids.has(one.sequences[0]!.request.id)) found.push(one)
    }
    for (const submission of found) submission.abort()
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
    this.#sleepLevel = level
    this.#cache?.disable()
    this.#observers.onSleep(true, level)
    this.#pump(this.timeline.clock.now())
  }

  /** Ends sleep. @param cache whether the KV cache is used again */
  wake(cache = true): void {
    this.#sleepLevel = undefined
    if (cache) this.#cache?.enable()
    this.#observers.onSleep(false, 0)
  }

  /** Empties the prefix cache. @returns false when a running sequence uses it, and nothing was done */
  resetPrefixCache(): boolean {
    return this.#cache?.reset() ?? true
  }

  /** Calls `run` as soon as nothing runs or waits, and every reader has its answer. */
  whenIdle(run: () => void): void {
    this.#idle.push(run)
    this.#tellIdle()
  }

  #schedulingHost(): SchedulingHost {
    const engine = this
    const { timeline, loras } = this
    const { maxNumSeqs, maxWaiting, maxModelLen } = this.#options
    return {
      timeline,
      loras,
      maxNumSeqs,
      maxWaiting,
      get latency() {
        return engine.latency
      },
      get running() {
        return engine.#admission.running
      },
      get waiting() {
        return engine.#admission.waiting
      },
      // What the context cannot hold needs no blocks: it is to run into its error.
      fits: sequence => sequence.promptTokens >= maxModelLen || (this.#cache?.fits(sequence) ?? true),
      advance: (sequence, due, now) => this.#advance(sequence, due, now),
    }
  }

  /** Starts what can run. Not recursive: an answer that takes no time ends inside of this loop. */
  #pump(now: number): void {
    if (this.#pumping) return
    this.#pumping = true
    let next = this.#admission.next()
    if (next) {
      const { clock, turnEnd } = this.timeline
      for (; next; next = this.#admission.next()) {
        this.#start(next, now)
        if (clock.real.now() <= turnEnd) continue
        this.timeline.defer(this.#rest)
        break
      }
    }
    this.#pumping = false
    if (this.#idle.length > 0) this.#tellIdle()
  }

  #start(sequence: Sequence, now: number): void {
    sequence.startedAt = now
    this.#observers.onStarted(sequence, now)
    let refused: RequestError | undefined
    try {
      refused = this.#prepare(sequence)
    } catch (error) {
      refused = asRequestError(error)
    }
    if (refused) this.#end(sequence, 'error', now, refused)
    else if (this.#threshold.refuses(sequence, this.#cache?.enabled ?? false)) {
      this.#end(sequence, 'cache_threshold', now)
    } else this.#pacer.start(sequence, now)
  }

  /** Context check, KV blocks and text of a sequence that has just got its slot. @returns why it cannot run */
  #prepare(sequence: Sequence): RequestError | undefined {
    const { promptTokens, request } = sequence
    const { maxModelLen, text } = this.#options
    const completion = request.limits.maxTokens ?? 1
    if (promptTokens + completion > maxModelLen) return new ContextLengthError(maxModelLen, promptTokens, completion)
    const missing = this.#cache?.allocate(sequence)
    if (missing) return new CacheCapacityError(missing.needed, missing.size)
    openText(sequence, text, maxModelLen)
    return undefined
  }

  #advance(sequence: Sequence, due: number, now: number): boolean {
    const batch = this.#batch
    batch.count = 0
    let failed: RequestError | undefined
    try {
      generate(sequence, due, batch)
    } catch (error) {
      failed = asRequestError(error)
    }
    const { count } = batch
    const first = sequence.firstTokenAt < 0
    if (count > 0) {
      this.#observers.onTokens(sequence, count, now)
      sequence.generatedTokens += count
      sequence.lastTokenAt = now
    }
    if (first) sequence.firstTokenAt = now
    if (count > 0 || first) sequence.reader.tokens(sequence, batch)
    if (sequence.status !== 'running') return false
    if (failed) this.#end(sequence, 'error', now, failed)
    else if (sequence.complete) this.#endLater(sequence, now)
    else return true
    return false
  }

  /** An image that belongs to the answer takes its own time after the last token. */
  #endLater(sequence: Sequence, now: number): void {
    const reason = finishReason(sequence)
    const extra = sequence.request.extraDelay
    const delay = extra ? sampleDelay(extra.mean, extra.deviation, sequence.timing) : 0
    if (delay <= 0) this.#end(sequence, reason, now)
    else {
      this.timeline.at(now + delay, then => {
        if (sequence.status === 'running') this.#end(sequence, reason, then)
      })
    }
  }

  #end(sequence: Sequence, reason: FinishReason, now: number, error?: RequestError): void {
    this.#pacer.stop(sequence)
    this.#cache?.free(sequence)
    this.#admission.release(sequence)
    this.#report(sequence, reason, now, error)
    this.#pump(now)
  }

  #report(sequence: Sequence, reason: FinishReason, now: number, error?: RequestError): void {
    const outcome = outcomeOf(sequence, reason, error)
    this.#observers.onFinished(sequence, outcome, now)
    if (!sequence.reader.finish(sequence, outcome)) this.#undelivered++
  }

  #abort(submission: Submission): void {
    const now = this.timeline.clock.now()
    const wasPumping = this.#pumping
    this.#pumping = true
    submission.forget()
    for (const sequence of submission.sequences) {
      if (sequence.status === 'waiting') {
        this.#admission.withdraw(sequence)
        this.#report(sequence, 'abort', now)
      } else if (sequence.status === 'running') this.#end(sequence, 'abort', now)
    }
    this.#pumping = wasPumping
    this.#pump(now)
  }

  #delivered(): void {
    this.#undelivered--
    if (this.#idle.length > 0) this.#tellIdle()
  }

  #tellIdle(): void {
    if (this.#admission.running + this.#admission.waiting + this.#undelivered > 0) return
    for (const run of this.#idle.splice(0)) run()
  }
}

/** What one turn of the event loop could not start. */
class Rest extends Deadline {
  readonly #run: (now: number) => void

  constructor(run: (now: number) => void) {
    super()
    this.#run = run
  }

  override onDue(now: number): void {
    this.#run(now)
  }
}
