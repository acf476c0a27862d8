import type { HeldBlocks } from './hand-over.ts'
import { type Allocation, type BlockHasher, BlockPool, type PromptBlocks } from './kv/index.ts'
import type { KvCache, KvCacheListener } from './kv-cache.ts'
import type { Prompt } from './request.ts'
import type { Sequence } from './sequence.ts'

export interface PrefixCacheOptions {
  /** Blocks the cache can hold. */
  readonly size: number
  /** Tokens per block. */
  readonly blockSize: number
  readonly hasher: BlockHasher
}

/** The block pool as the engine uses it: one allocation per running sequence. */
export class PrefixCache implements KvCache {
  readonly #pool: BlockPool
  /** Hashes of a prompt, shared by the choices of its request. */
  readonly #hashed = new WeakMap<Prompt, PromptBlocks>()
  #listener: KvCacheListener | undefined

  constructor(options: PrefixCacheOptions) {
    this.#pool = new BlockPool({
      ...options,
      emit: event => this.#listener?.event(event),
      isLoaded: model => this.#listener?.isLoaded(model) ?? true,
    })
  }

  get enabled(): boolean {
    return !this.#pool.disabled
  }

  get usage(): number {
    return this.#pool.usage
  }

  listen(listener: KvCacheListener): void {
    this.#listener = listener
  }

  fits(sequence: Sequence): boolean {
    const blocks = this.#blocks(sequence)
    return this.#pool.neverFits(blocks) || this.#pool.canAllocate(blocks)
  }

  allocate(sequence: Sequence): { needed: number; size: number } | undefined {
    const blocks = this.#blocks(sequence)
    if (this.#pool.neverFits(blocks)) return { needed: blocks.count, size: this.#pool.size }
    const allocation = this.#pool.allocate(blocks, sequence.adapter)
    sequence.cachedTokens = allocation.cachedTokens
    sequence.allocation = allocation
    this.#listener?.lookup(sequence.promptTokens, allocation.cachedTokens)
    if (this.enabled) this.#listener?.usage(this.usage)
    return undefined
  }

  hold(sequence: Sequence): HeldBlocks | undefined {
    const { allocation } = sequence
    if (!allocation) return undefined
    sequence.allocation = undefined
    return { ids: allocation.slots, release: () => this.#free(allocation) }
  }

  free(sequence: Sequence): void {
    const { allocation } = sequence
    if (!allocation) return
    sequence.allocation = undefined
    this.#free(allocation)
  }

  disable(): void {
    this.#pool.clear()
    this.#pool.disabled = true
    this.#listener?.usage(0)
  }

  enable(): void {
    this.#pool.disabled = false
  }

  reset(): boolean {
    return this.#pool.reset()
  }

  #free(allocation: Allocation): void {
    this.#pool.free(allocation)
    if (this.enabled) this.#listener?.usage(this.usage)
  }

  #blocks(sequence: Sequence): PromptBlocks {
    const { prompt, request } = sequence
    let blocks = this.#hashed.get(prompt)
    if (!blocks) {
      blocks = this.#pool.hash(prompt, request.model, request.lora, request.cacheSalt)
      this.#hashed.set(prompt, blocks)
    }
    return blocks
  }
}
