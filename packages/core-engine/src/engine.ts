import { type LatencyModel, SeedBuilder, SeededRandom, sampleDelay, type Timeline } from '@vllm-sim/latency'
import { CacheCapacityError, ContextLengthError, QueueFullError, RequestError } from './errors.ts'
import type { EngineObserver } from './events.ts'
import type { KvCache } from './kv-cache.ts'
import { LoraRegistry } from './lora.ts'
import { OccurrenceCounter } from './occurrences.ts'
import { type Pacer, type PacerFactory, type PacerHost, perSequencePacer } from './pacer.ts'
import type { FinishReason, GenerationRequest, Outcome, OutputSink, Prompt, RequestHandle } from './request.ts'
import { Scheduler } from './scheduler.ts'
import { Sequence } from './sequence.ts'
import { StopScanner } from './stop.ts'
import { PlannedSource, type TextContext, type TextMode, type TextSource } from './text-source.ts'
import type { Token } from './token.ts'

export interface EngineOptions {
  readonly timeline: Timeline
  /** Server seed: any number. */
  readonly seed: number
  /** Sequences that run at the same time, at least 1. */
  readonly maxNumSeqs: number
  /** Sequences that may wait before a request is refused, at least 0. */
  readonly maxWaiting: number
  /** Context window in tokens, prompt and completion together. */
  readonly maxModelLen: number
  /** Adapters that can be in use at the same time, at least 1. */
  readonly maxLoras?: number
  readonly latency: LatencyModel
  /** The server's ordinary text. */
  readonly text: TextMode
  /** The prefix cache; without one nothing is ever cached. */
  readonly cache?: KvCache
  /** Share of cached prompt tokens, 0 to 1, for requests that set none; 0 is off. */
  readonly cacheHitThreshold?: number
  readonly pacer?: PacerFactory
  readonly observers?: readonly EngineObserver[]
}

/** What an engine does at this moment. */
export interface EngineSnapshot {
  readonly running: number
  readonly waiting: number
  /** Share of KV blocks in use, 0 to 1. */
  readonly cacheUsage: number
  readonly sleeping: boolean
}

/** Wires scheduler, pacer, cache and text together. All calls are synchronous; all waiting is the timeline's. */
export class Engine implements PacerHost {
  readonly timeline: Timeline
  readonly loras: LoraRegistry
  latency: LatencyModel
  readonly #options: EngineOptions
  readonly #scheduler: Scheduler
  readonly #pacer: Pacer
  readonly #observers: EngineObserver[]
  readonly #occurrences = new OccurrenceCounter()
  readonly #cache: KvCache | undefined
  /** Prompts of several choices, and whether the cache threshold refused them. */
  readonly #refused = new WeakMap<Prompt, boolean>()
  readonly #idle: (() => void)[] = []
  /** Tokens produced and not yet delivered; reused for every delivery. */
  readonly #batch: Token[] = []
  #batched = 0
  #sleepLevel: number | undefined
  #pumping = false

  constructor(options: EngineOptions) {
    this.#options = options
    this.timeline = options.timeline
    this.latency = options.latency
    this.loras = new LoraRegistry(options.maxLoras ?? 1)
    this.#cache = options.cache
    this.#observers = [...(options.observers ?? [])]
    this.#scheduler = new Scheduler({
      maxNumSeqs: options.maxNumSeqs,
      maxWaiting: options.maxWaiting,
      loras: this.loras,
      fits: sequence => this.#cache?.fits(sequence) ?? true,
    })
    this.#pacer = (options.pacer ?? perSequencePacer)(this)
    this.#cache?.listen({
      event: event => {
        const now = this.timeline.clock.now()
        for (const observer of this.#observers) observer.onCacheEvent?.(event, now)
      },
      usage: usage => {
        for (const observer of this.#observers) observer.onCacheUsage?.(usage)
      },
      lookup: (queried, hit) => {
        for (const observer of this.#observers) observer.onPrefixLookup?.(queried, hit)
      },
      isLoaded: model => !this.loras.registered.has(model) || this.loras.isLoaded(model),
    })
  }

  /** Sequences that run at this moment. */
  get running(): number {
    return this.#scheduler.running
  }

  get maxModelLen(): number {
    return this.#options.maxModelLen
  }

  /** Adds an observer; it hears what happens from now on. */
  observe(observer: EngineObserver): void {
    this.#observers.push(observer)
  }

  snapshot(): EngineSnapshot {
    return {
      running: this.#scheduler.running,
      waiting: this.#scheduler.waiting,
      cacheUsage: this.#cache?.usage ?? 0,
      sleeping: this.#sleepLevel !== undefined,
    }
  }

  /**
   * Takes a request in. What is due at once is delivered before this returns.
   * @throws QueueFullError when there is not room for all its sequences; then none of them was taken
   */
  submit(request: GenerationRequest, sink: OutputSink): RequestHandle {
    const { prompts, n } = request
    if (!this.#scheduler.accepts(prompts.length * n, request.lora)) throw new QueueFullError()
    const sequences: Sequence[] = []
    for (const prompt of prompts) {
      const content = contentSeed(request, prompt)
      const occurrence = request.seed === undefined ? this.#occurrences.count(content) : 0
      for (let repetition = 0; repetition < n; repetition++) {
        const seed = new SeedBuilder()
          .list(content)
          .add(request.seed ?? this.#options.seed)
          .add(request.seed === undefined ? 1 : 2)
          .add(repetition)
          .add(occurrence)
          .seed()
        sequences.push(new Sequence(request, prompt, sequences.length, sink, new SeededRandom(seed)))
      }
    }
    const now = this.timeline.clock.now()
    const wasPumping = this.#pumping
    this.#pumping = true
    for (const sequence of sequences) {
      if (this.#scheduler.add(sequence)) this.#run(sequence, now)
      else {
        sequence.queuedAt = now
        for (const observer of this.#observers) observer.onQueued?.(sequence, now)
      }
    }
    this.#pumping = wasPumping
    this.#pump(now)
    return {
      abort: () => this.#abort(sequences),
      resume: index => {
        const sequence = sequences[index]
        if (sequence?.status === 'running') this.#pacer.resume(sequence)
      },
    }
  }

  /** Drops the KV cache and runs without it until `wake`. Requests are served meanwhile. */
  sleep(level = 1): void {
    this.#sleepLevel = level
    this.#cache?.disable()
    for (const observer of this.#observers) observer.onSleep?.(true, level)
    this.#pump(this.timeline.clock.now())
  }

  /** Ends sleep. @param cache whether the KV cache is used again */
  wake(cache = true): void {
    this.#sleepLevel = undefined
    if (cache) this.#cache?.enable()
    for (const observer of this.#observers) observer.onSleep?.(false, 0)
  }

  /** Empties the prefix cache. @returns false when a running sequence uses it, and nothing was done */
  resetPrefixCache(): boolean {
    return this.#cache?.reset() ?? true
  }

  /** Calls `run` as soon as nothing runs or waits. */
  whenIdle(run: () => void): void {
    if (this.#scheduler.running + this.#scheduler.waiting === 0) run()
    else this.#idle.push(run)
  }

  produce(sequence: Sequence): boolean {
    const { source } = sequence
    if (!source || source.done || sequence.complete) {
      this.#complete(sequence)
      return false
    }
    const token = source.next()
    const { scanner } = sequence
    if (scanner) {
      const match = scanner.push(token, this.#release)
      if (match) sequence.stopReason = match.reason
      if (!match && !source.done) return true
      this.#complete(sequence)
      return false
    }
    this.#batch[this.#batched++] = token
    if (!source.done) return true
    sequence.complete = true
    return false
  }

  deliver(sequence: Sequence, now: number): void {
    const count = this.#batched
    this.#batched = 0
    const first = sequence.firstTokenAt < 0
    if (count > 0) {
      for (const observer of this.#observers) observer.onTokens?.(sequence, count, now)
      sequence.outputTokens += count
      if (first) sequence.firstTokenAt = now
      sequence.lastTokenAt = now
    }
    if (count > 0 || first) {
      if (first && count === 0) sequence.firstTokenAt = now
      const ready = sequence.sink.onTokens(sequence, this.#batch, count)
      if (!ready && !sequence.complete) this.#pacer.hold(sequence)
    }
    if (sequence.complete && sequence.status === 'running') this.#endLater(sequence, now)
  }

  readonly #release = (token: Token): void => {
    this.#batch[this.#batched++] = token
  }

  #complete(sequence: Sequence): void {
    sequence.complete = true
    sequence.scanner?.flush(this.#release)
  }

  /** Starts what can run. Not recursive: an answer that takes no time ends inside of this loop. */
  #pump(now: number): void {
    if (this.#pumping) return
    this.#pumping = true
    for (let next = this.#scheduler.next(); next; next = this.#scheduler.next()) this.#run(next, now)
    this.#pumping = false
    if (this.#idle.length > 0 && this.#scheduler.running + this.#scheduler.waiting === 0) {
      for (const run of this.#idle.splice(0)) run()
    }
  }

  #run(sequence: Sequence, now: number): void {
    sequence.startedAt = now
    for (const observer of this.#observers) observer.onStarted?.(sequence, now)
    let refused: RequestError | undefined
    try {
      refused = this.#prepare(sequence)
    } catch (error) {
      refused =
        error instanceof RequestError
          ? error
          : new RequestError(500, error instanceof Error ? error.message : String(error))
    }
    if (refused) this.#end(sequence, 'error', now, refused)
    else if (this.#belowThreshold(sequence)) this.#end(sequence, 'cache_threshold', now)
    else this.#pacer.start(sequence, now)
  }

  /** Context check, KV blocks and text of a sequence that has just got its slot. @returns why it cannot run */
  #prepare(sequence: Sequence): RequestError | undefined {
    const { promptTokens } = sequence
    const { limits } = sequence.request
    const { maxModelLen } = this.#options
    const completion = limits.maxTokens ?? 1
    if (promptTokens + completion > maxModelLen) return new ContextLengthError(maxModelLen, promptTokens, completion)
    const missing = this.#cache?.allocate(sequence)
    if (missing) return new CacheCapacityError(missing.needed, missing.size)
    sequence.source = this.#open(sequence)
    if (!sequence.source.uncut && StopScanner.needed(limits)) sequence.scanner = new StopScanner(limits)
    return undefined
  }

  /** The first choice of a prompt decides for all: its blocks would be hits for the others. */
  #belowThreshold(sequence: Sequence): boolean {
    const { request, prompt, promptTokens, cachedTokens } = sequence
    if (request.forceCacheThreshold) return true
    if (!this.#cache?.enabled) return false
    const decided = this.#refused.get(prompt)
    if (decided !== undefined) return decided
    const own = request.cacheHitThreshold
    const threshold = own !== undefined && own >= 0 && own <= 1 ? own : (this.#options.cacheHitThreshold ?? 0)
    if (threshold === 0) return false
    const refused = (promptTokens === 0 ? 0 : cachedTokens / promptTokens) < threshold
    if (request.n > 1) this.#refused.set(prompt, refused)
    return refused
  }

  #open(sequence: Sequence): TextSource {
    const { request, prompt, promptTokens, random } = sequence
    const { limits } = request
    const context: TextContext = {
      random,
      promptIds: prompt.tokenIds,
      echo: prompt.echo,
      maxTokens: limits.maxTokens ?? this.#options.maxModelLen - promptTokens,
      limited: limits.maxTokens !== undefined,
      minTokens: limits.minTokens ?? 0,
      ignoreEos: limits.ignoreEos ?? false,
    }
    const plan = request.output?.plan({ random, maxTokens: context.maxTokens, index: sequence.index })
    if (!plan) return this.#options.text.open(context)
    let planned = 0
    for (const part of plan.parts) {
      planned += part.tokens.length
      if (part.kind === 'reasoning') sequence.reasoningTokens += part.tokens.length
    }
    const left = context.maxTokens - planned
    const rest = plan.thenText && left > 0 ? this.#options.text.open({ ...context, maxTokens: left }) : undefined
    return new PlannedSource(plan, context.maxTokens, rest)
  }

  /** An image that belongs to the answer takes its own time after the last token. */
  #endLater(sequence: Sequence, now: number): void {
    const reason = this.#finishReason(sequence)
    const extra = sequence.request.extraDelay
    const delay = extra ? sampleDelay(extra.mean, extra.deviation, sequence.random) : 0
    if (delay <= 0) this.#end(sequence, reason, now)
    else {
      this.timeline.at(now + delay, then => {
        if (sequence.status === 'running') this.#end(sequence, reason, then)
      })
    }
  }

  #finishReason(sequence: Sequence): FinishReason {
    if (sequence.request.kvTransfer?.doRemoteDecode) return 'remote_decode'
    return sequence.stopReason !== null ? 'stop' : (sequence.source?.finishReason ?? 'stop')
  }

  #abort(sequences: readonly Sequence[]): void {
    const now = this.timeline.clock.now()
    const wasPumping = this.#pumping
    this.#pumping = true
    for (const sequence of sequences) {
      if (sequence.status === 'waiting') {
        this.#scheduler.withdraw(sequence)
        this.#report(sequence, outcomeOf(sequence, 'abort'), now)
      } else if (sequence.status === 'running') this.#end(sequence, 'abort', now)
    }
    this.#pumping = wasPumping
    this.#pump(now)
  }

  #end(sequence: Sequence, reason: FinishReason, now: number, error?: RequestError): void {
    this.#pacer.stop(sequence)
    this.#cache?.free(sequence)
    this.#scheduler.release(sequence)
    this.#report(sequence, outcomeOf(sequence, reason, error), now)
    this.#pump(now)
  }

  #report(sequence: Sequence, outcome: Outcome, now: number): void {
    for (const observer of this.#observers) observer.onFinished?.(sequence, outcome, now)
    sequence.sink.onFinish(sequence, outcome)
  }
}

function outcomeOf(sequence: Sequence, finishReason: FinishReason, error?: RequestError): Outcome {
  const completionTokens = sequence.outputTokens > 0 ? sequence.outputTokens + (sequence.source?.hiddenTokens ?? 0) : 0
  return {
    finishReason,
    stopReason: sequence.stopReason,
    promptTokens: sequence.promptTokens,
    cachedTokens: sequence.cachedTokens,
    completionTokens,
    reasoningTokens: Math.min(sequence.reasoningTokens, sequence.outputTokens),
    ...(error ? { error } : undefined),
  }
}

/** What the randomness of an answer depends on, beside the seed: the prompt and the parameters that shape the answer. */
function contentSeed(request: GenerationRequest, prompt: Prompt): readonly [number, number, number, number] {
  const { limits } = request
  const builder = new SeedBuilder().text(request.model).list(prompt.tokenIds)
  builder
    .add(limits.maxTokens ?? -1)
    .add(limits.minTokens ?? 0)
    .add(limits.ignoreEos ? 1 : 0)
  for (const stop of limits.stop ?? []) builder.text(stop)
  if (limits.stopTokenIds) builder.list(limits.stopTokenIds)
  if (request.fingerprint) builder.text(request.fingerprint)
  return builder.seed()
}
