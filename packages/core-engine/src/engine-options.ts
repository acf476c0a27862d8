import type { LatencyModel, Timeline } from '@vllm-sim/latency'
import type { EngineObserver } from './events.ts'
import type { HandOver } from './hand-over.ts'
import type { KvCache } from './kv-cache.ts'
import type { SchedulingFactory } from './scheduling.ts'
import type { TextMode } from './text-source.ts'

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
  /** Who runs and when tokens are due; by default each sequence has deadlines of its own. */
  readonly scheduling?: SchedulingFactory
  readonly observers?: readonly EngineObserver[]
  /** Takes over the blocks of requests with `doRemoteDecode`; without it they are given back, and nobody is told where they are. */
  readonly handOver?: HandOver | undefined
}

/** What an engine does at this moment. */
export interface EngineSnapshot {
  readonly running: number
  readonly waiting: number
  /** Share of KV blocks in use, 0 to 1. */
  readonly cacheUsage: number
  readonly sleeping: boolean
}
