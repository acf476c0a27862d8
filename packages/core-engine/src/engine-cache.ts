import type { EngineOptions } from './engine-options.ts'
import { CacheCapacityError } from './errors.ts'
import { type HeldBlocks, noBlocks } from './hand-over.ts'
import type { KvCache } from './kv-cache.ts'
import type { LoraRegistry } from './lora.ts'
import type { Observers } from './observers.ts'
import type { Prompt } from './request.ts'
import type { Sequence } from './sequence.ts'

/** The prefix cache of an engine, or none; without one, and during sleep, everything has room and nothing is cached. */
export class EngineCache {
  readonly #cache: KvCache | undefined
  readonly #cacheHitThreshold: number
  readonly #refused = new WeakMap<Prompt, boolean>()
  readonly #observers: Observers
  #sleepLevel: number | undefined

  constructor(options: EngineOptions, observers: Observers, loras: LoraRegistry) {
    const { clock } = options.timeline
    this.#cache = options.cache
    this.#cacheHitThreshold = options.cacheHitThreshold ?? 0
    this.#observers = observers
    this.#cache?.listen({
      event: event => observers.onCacheEvent(event, clock.now()),
      usage: usage => observers.onCacheUsage(usage),
      lookup: (queried, hit) => observers.onPrefixLookup(queried, hit),
      isLoaded: model => !loras.registered.has(model) || loras.isLoaded(model),
    })
  }

  /** Share of blocks in use, 0 to 1. */
  get usage(): number {
    return this.#cache?.usage ?? 0
  }

  get sleeping(): boolean {
    return this.#sleepLevel !== undefined
  }

  fits(sequence: Sequence): boolean {
    return this.#cache?.fits(sequence) ?? true
  }

  /** Takes the blocks of the prompt. @returns why there will never be enough of them */
  allocate(sequence: Sequence): CacheCapacityError | undefined {
    const missing = this.#cache?.allocate(sequence)
    return missing && new CacheCapacityError(missing.needed, missing.size)
  }

  /**
   * Whether too little of the prompt was found in the cache. The first choice of a prompt decides for all: its blocks
   * would be hits for the others.
   */
  refuses({ request, prompt, promptTokens, cachedTokens }: Sequence): boolean {
    if (request.forceCacheThreshold) return true
    if (!this.#cache?.enabled) return false
    const decided = this.#refused.get(prompt)
    if (decided !== undefined) return decided
    const own = request.cacheHitThreshold
    const threshold = own !== undefined && own >= 0 && own <= 1 ? own : this.#cacheHitThreshold
    if (threshold === 0) return false
    const refused = (promptTokens === 0 ? 0 : cachedTokens / promptTokens) < threshold
    if (request.n > 1) this.#refused.set(prompt, refused)
    return refused
  }

  /** Keeps the blocks of a sequence that ends in use. @param freed is called when there is room again */
  hold(sequence: Sequence, freed: () => void): HeldBlocks {
    const held = this.#cache?.hold(sequence)
    if (!held) return noBlocks
    return {
      ids: held.ids,
      release: () => {
        held.release()
        freed()
      },
    }
  }

  free(sequence: Sequence): void {
    this.#cache?.free(sequence)
  }

  /** Drops everything and stays off until `wake`. */
  sleep(level: number): void {
    this.#sleepLevel = level
    this.#cache?.disable()
    this.#observers.onSleep(true, level)
  }

  /** @param use whether the cache is used again */
  wake(use: boolean): void {
    this.#sleepLevel = undefined
    if (use) this.#cache?.enable()
    this.#observers.onSleep(false, 0)
  }

  /** Drops everything. @returns false when blocks are in use, and nothing was done */
  reset(): boolean {
    return this.#cache?.reset() ?? true
  }
}
