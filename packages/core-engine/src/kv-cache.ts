import type { KvCacheEvent } from './events.ts'
import type { HeldBlocks } from './hand-over.ts'
import type { Sequence } from './sequence.ts'

/** Who hears what the cache does. */
export interface KvCacheListener {
  event(event: KvCacheEvent): void
  /** Share of blocks in use, 0 to 1. */
  usage(usage: number): void
  /** Numbers in tokens. */
  lookup(queried: number, hit: number): void
  /** Blocks of models that are not loaded are evicted first. */
  isLoaded(model: string): boolean
}

/** What the engine asks of a prefix cache. */
export interface KvCache {
  readonly enabled: boolean
  readonly usage: number
  listen(listener: KvCacheListener): void
  /** Whether `allocate` would succeed now, or can never succeed and should be tried to get its error. */
  fits(sequence: Sequence): boolean
  /** Takes the prompt's blocks and sets `cachedTokens`. @returns the sizes in blocks when the cache is too small for it */
  allocate(sequence: Sequence): { needed: number; size: number } | undefined
  /** Keeps the blocks in use after the sequence has given the rest back. @returns undefined when it has none */
  hold(sequence: Sequence): HeldBlocks | undefined
  /** Gives the blocks back; harmless when it has none. */
  free(sequence: Sequence): void
  /** Drops everything and stays off until `enable`. */
  disable(): void
  enable(): void
  /** @returns false when blocks are in use, and nothing was done */
  reset(): boolean
}
