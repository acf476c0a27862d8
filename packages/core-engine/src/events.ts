import type { GenerationRequest, Outcome } from './request.ts'

/** What observers may see of a sequence. Times are clock milliseconds, negative before they are known. */
export interface ObservedSequence {
  readonly request: GenerationRequest
  /** Index of the choice in its request. */
  readonly index: number
  readonly promptTokens: number
  readonly cachedTokens: number
  /** Tokens generated so far, whether their reader has taken them or not. */
  readonly generatedTokens: number
  readonly arrivedAt: number
  /** When it entered the waiting queue; negative when it started at once. */
  readonly queuedAt: number
  readonly startedAt: number
  readonly firstTokenAt: number
  readonly lastTokenAt: number
}

/**
 * Something beside tokens that a block's hash depends on: an image's identifier, alone or with its position relative to
 * the block's first token; a cache salt; with vLLM's hashes also an adapter's name.
 */
export type ExtraKey = string | readonly [identifier: string, offset: number]

/** A run of prompt blocks that entered the KV cache together. */
export interface BlocksStored {
  readonly type: 'BlockStored'
  /** In prompt order, unsigned 64 bit. */
  readonly hashes: readonly bigint[]
  /** Hash of the block before the first one; undefined at the start of a prompt. */
  readonly parent: bigint | undefined
  /** Ids of all tokens in these blocks, in order. */
  readonly tokenIds: ArrayLike<number>
  readonly blockSize: number
  /** Adapter slot, 1-based, and name; only for requests to an adapter. */
  readonly loraId: number | undefined
  readonly loraName: string | undefined
  /** Per block what its hash depends on beside tokens and model. Undefined: no block has any. */
  readonly extraKeys: readonly (readonly ExtraKey[] | undefined)[] | undefined
}

/** Blocks that were evicted. */
export interface BlocksRemoved {
  readonly type: 'BlockRemoved'
  readonly hashes: readonly bigint[]
}

/** The whole cache was dropped. */
export interface AllBlocksCleared {
  readonly type: 'AllBlocksCleared'
}

export type KvCacheEvent = BlocksStored | BlocksRemoved | AllBlocksCleared

/**
 * Hears what happens in an engine, in order and synchronously; it must be quick and must not throw. Every method is
 * optional. `now` is the clock time of the wake-up.
 */
export interface EngineObserver {
  /** A sequence entered the waiting queue. */
  onQueued?(sequence: ObservedSequence, now: number): void
  /** A sequence got a slot. It had waited when `queuedAt` is not negative. */
  onStarted?(sequence: ObservedSequence, now: number): void
  /** A running sequence lost its slot for want of KV blocks and waits again. */
  onPreempted?(sequence: ObservedSequence, now: number): void
  /**
   * `count` tokens (at least 1) of a sequence fell due in this wake-up. `generatedTokens`, `firstTokenAt` and
   * `lastTokenAt` still have their values from before.
   */
  onTokens?(sequence: ObservedSequence, count: number, now: number): void
  /**
   * A step of the engine ended; only where sequences share steps.
   * @param tokens generated in it, and the prompts of those whose first token came
   * @param running sequences that run, `waiting` those that wait, preempted ones included
   */
  onStep?(tokens: number, running: number, waiting: number, now: number): void
  /** A sequence ended: served, failed, or aborted while running or waiting (`startedAt` is negative then). */
  onFinished?(sequence: ObservedSequence, outcome: Outcome, now: number): void
  /** The prefix cache was asked for a prompt. Numbers in tokens. */
  onPrefixLookup?(queried: number, hit: number): void
  /** The share of KV blocks in use changed, 0 to 1. */
  onCacheUsage?(usage: number): void
  /** The content of the KV cache changed. */
  onCacheEvent?(event: KvCacheEvent, now: number): void
  /** Sleep began or ended. */
  onSleep?(sleeping: boolean, level: number): void
}
