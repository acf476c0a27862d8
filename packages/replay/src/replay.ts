import { type EngineObserver, type StepListener, StepLoop } from '@vllm-sim/core-engine'
import { BlockKeys } from './block-keys.ts'
import { loopOptionsOf, type ReplayEngine, schedulerOf } from './replay-engine.ts'
import { ReplayRequest } from './replay-request.ts'
import { type Trace, TraceError, type TraceRequest } from './trace.ts'

export interface ReplayOptions {
  readonly engine: ReplayEngine
  /** Requests come so many times as fast. */
  readonly rate?: number
  /** Only the first so many requests. */
  readonly limit?: number
  /** Name of the model, for metrics. */
  readonly model?: string
  /** Hears what an engine's observers hear. */
  readonly observer?: EngineObserver
  /** Hears of every step, after the observer. */
  readonly listener?: StepListener
}

/** What a run came to. */
export interface Replay {
  /** In the order of the trace. */
  readonly requests: readonly ReplayRequest[]
  readonly steps: number
  /** Largest share of blocks in use, 0 to 1. */
  readonly peakUsage: number
  /** Smallest and largest number of tokens, decodes and tokens of context in a step. */
  readonly visited: { readonly tokens: Range; readonly decodes: Range; readonly context: Range }
}

type Range = readonly [number, number]

/** Smallest and largest of what is added. */
class Span {
  #least = Number.POSITIVE_INFINITY
  #most = Number.NEGATIVE_INFINITY

  add(value: number): void {
    if (value < this.#least) this.#least = value
    if (value > this.#most) this.#most = value
  }

  get range(): Range {
    return this.#most < this.#least ? [0, 0] : [this.#least, this.#most]
  }
}

/**
 * Runs a trace through the engine, without a clock: a step costs what its computing costs here.
 * @throws TraceError when a request is larger than the cache or the context
 */
export function replay(trace: Trace, options: ReplayOptions): Replay {
  const { engine, rate = 1, limit = Number.POSITIVE_INFINITY, model = 'm', observer = {}, listener = {} } = options
  const given = trace.requests.slice(0, limit)
  check(given, engine)
  const scheduler = schedulerOf(engine)
  const [tokens, decodes, context] = [new Span(), new Span(), new Span()]
  let [steps, peak, used] = [0, 0, 0]
  const tellUsage = () => {
    const { blocks } = scheduler
    const now = blocks.usable - blocks.free
    if (now === used) return
    used = now
    if (used > peak) peak = used
    observer.onCacheUsage?.(1 - blocks.free / blocks.usable)
  }
  const loop = new StepLoop(scheduler, loopOptionsOf(engine), {
    composed(batch, at, begin, end) {
      tellUsage()
      if (batch.parts.length > 0) {
        steps++
        tokens.add(batch.shape.tokens)
        decodes.add(batch.shape.decodes)
        context.add(batch.shape.context)
      }
      listener.composed?.(batch, at, begin, end)
    },
    ended(batch, at, count) {
      tellUsage()
      observer.onStep?.(count, scheduler.running.length, scheduler.waiting, at)
      listener.ended?.(batch, at, count)
    },
  })
  const loras = new Map<string, number>()
  const numberOf = (name: string | undefined) => {
    if (name === undefined) return 0
    if (!loras.has(name)) loras.set(name, loras.size + 1)
    return loras.get(name)!
  }
  const sessions = new Sessions(given)
  const all: ReplayRequest[] = new Array(given.length)
  const run = {
    model,
    keys: new BlockKeys(engine.blockSize, trace.hashBlockSize ?? engine.blockSize),
    observer,
    ended(request: ReplayRequest) {
      const next = sessions.after(request.given)
      if (next >= 0) add(next, request.lastTokenAt + (given[next]!.delay ?? 0) / rate)
    },
  }
  const add = (at: number, arrival: number) => {
    const request = new ReplayRequest(run, given[at]!, at, arrival, numberOf(given[at]!.lora))
    all[at] = request
    observer.onQueued?.(request, arrival)
    loop.add(request)
  }
  for (let next = 0; ; ) {
    for (; next < given.length && !(given[next]!.arrival / rate > loop.due); next++) {
      const { arrival } = given[next]!
      if (Number.isNaN(arrival)) continue
      add(next, arrival / rate)
    }
    if (loop.due === Number.POSITIVE_INFINITY) break
    loop.run()
  }
  return {
    requests: all,
    steps,
    peakUsage: peak / scheduler.blocks.usable,
    visited: { tokens: tokens.range, decodes: decodes.range, context: context.range },
  }
}

function check(requests: readonly TraceRequest[], { numBlocks, blockSize, maxModelLen }: ReplayEngine): void {
  const room = (numBlocks - 1) * blockSize
  for (const [at, { inputLength, outputLength, session, arrival }] of requests.entries()) {
    const place = `request ${at + 1}`
    if (inputLength === 0 || outputLength === 0)
      throw new TraceError(`${place}: input and output need a token at least`)
    const all = inputLength + outputLength
    if (all > maxModelLen)
      throw new TraceError(`${place}: its ${all} tokens are more than the context of ${maxModelLen}`)
    if (all > room) throw new TraceError(`${place}: its ${all} tokens are more than the KV cache of ${room} holds`)
    if (Number.isNaN(arrival) && !requests.slice(0, at).some(one => one.session === session)) {
      throw new TraceError(`${place}: it has no time, and no request of its session comes before`)
    }
  }
}

/** Which request follows another in its session, when it waits for its end. */
class Sessions {
  readonly #following = new Map<TraceRequest, number>()

  constructor(requests: readonly TraceRequest[]) {
    const last = new Map<string, TraceRequest>()
    for (const [at, request] of requests.entries()) {
      const { session } = request
      if (session === undefined) continue
      const before = last.get(session)
      if (before && Number.isNaN(request.arrival)) this.#following.set(before, at)
      last.set(session, request)
    }
  }

  /** Its place, -1 when there is none. */
  after(request: TraceRequest): number {
    return this.#following.get(request) ?? -1
  }
}
