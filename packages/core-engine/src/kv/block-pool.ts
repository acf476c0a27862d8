import type { KvCacheEvent } from '../events.ts'
import type { Prompt } from '../request.ts'
import { BlockTable, ModelBlocks } from './block-table.ts'
import { type BlockHasher, hashValue, type PromptBlocks } from './hasher.ts'

export interface BlockPoolOptions {
  /** Blocks the cache can hold, 0 or more. Nothing is reserved ahead. */
  readonly size: number
  /** Tokens per block. */
  readonly blockSize: number
  readonly hasher: BlockHasher
  /** Hears every change of the content, in order. Without it no event is built. */
  readonly emit?: ((event: KvCacheEvent) => void) | undefined
  /** Whether a model can run now: an adapter that was pushed out of its slot cannot, and its blocks go first. */
  readonly isLoaded?: ((model: string) => boolean) | undefined
}

/** The blocks that one sequence holds, from `allocate` until `free`. */
export class Allocation {
  /** Leading blocks of the prompt that were cached. */
  readonly hits: number
  /** Tokens in these blocks. */
  readonly cachedTokens: number
  /** Slots held, in prompt order. */
  readonly slots: Int32Array
  /** Which filling of the pool the slots belong to; -1 when they were given back. Owned by the pool. */
  epoch: number

  constructor(hits: number, cachedTokens: number, slots: Int32Array, epoch: number) {
    this.hits = hits
    this.cachedTokens = cachedTokens
    this.slots = slots
    this.epoch = epoch
  }
}

const noSlots = new Int32Array(0)

/**
 * The prefix cache: whole prompt blocks, shared by the sequences that use them and kept afterwards until their room is
 * needed. Evicted are blocks of models that are not loaded before others, then the one released first; of those
 * released together the deepest, so that what is cached of a prompt is always a prefix of it.
 */
export class BlockPool {
  /** Blocks the cache can hold. */
  readonly size: number
  /** Tokens per block. */
  readonly blockSize: number
  /** While true (asleep) nothing is looked up, stored or refused. */
  disabled = false
  readonly #hasher: BlockHasher
  readonly #emit: ((event: KvCacheEvent) => void) | undefined
  readonly #isLoaded: (model: string) => boolean
  #table = new BlockTable()
  #models = new Map<string, ModelBlocks>()
  #referenced = 0
  #epoch = 0

  /** @throws RangeError when `size` or `blockSize` make no sense */
  constructor(options: BlockPoolOptions) {
    if (!(Number.isInteger(options.size) && options.size >= 0))
      throw new RangeError(`the size of a block pool must be a whole number of blocks, 0 or more, got ${options.size}`)
    if (!(Number.isInteger(options.blockSize) && options.blockSize > 0))
      throw new RangeError(`a block must have a whole number of tokens, 1 or more, got ${options.blockSize}`)
    this.size = options.size
    this.blockSize = options.blockSize
    this.#hasher = options.hasher
    this.#emit = options.emit
    this.#isLoaded = options.isLoaded ?? (() => true)
  }

  /** Blocks used by at least one sequence. */
  get referencedBlocks(): number {
    return this.#referenced
  }

  /** Blocks in the cache, used or not. */
  get cachedBlocks(): number {
    return this.#table.size
  }

  /** Referenced blocks as a share of the size, 0 to 1; 0 for a pool without blocks. */
  get usage(): number {
    return this.size === 0 ? 0 : this.#referenced / this.size
  }

  /** Hashes of a prompt's whole blocks. Compute them once and use them for every choice of the request. */
  hash(prompt: Prompt, model: string, lora?: string, cacheSalt?: string): PromptBlocks {
    return this.#hasher.hash(prompt, this.blockSize, { model, lora, cacheSalt })
  }

  /** True when there is no room for these blocks even in an empty pool. */
  neverFits(blocks: PromptBlocks): boolean {
    return !this.disabled && blocks.count > this.size
  }

  /** Whether `allocate` would find room now. If not, wait until a sequence has freed its blocks. */
  canAllocate(blocks: PromptBlocks): boolean {
    if (this.disabled) return true
    // Every block that nobody uses yet, cached or not, needs room beside those in use.
    if (this.#referenced + blocks.count <= this.size) return true
    const model = this.#models.get(blocks.model)
    let needed = blocks.count
    for (let i = 0; model && i < blocks.count; i++) {
      const slot = this.#find(blocks, i, model)
      if (slot >= 0 && this.#table.references(slot) > 0) needed--
    }
    return this.#referenced + needed <= this.size
  }

  /**
   * Takes a reference on every block, evicting what is unused to store those that are new. Emits a `BlockRemoved` per
   * evicted block and then a `BlockStored` per run of new blocks.
   *
   * @param lora slot (1-based) and name of the adapter, for the event
   * @throws Error when there is no room: ask `canAllocate` first. Nothing has changed then.
   */
  allocate(blocks: PromptBlocks, lora?: { readonly id: number; readonly name: string }): Allocation {
    if (this.disabled || blocks.count === 0) return new Allocation(0, 0, noSlots, this.#epoch)
    if (!this.canAllocate(blocks))
      throw new Error(`no room for ${blocks.count} KV blocks: ${this.#referenced} of ${this.size} are in use`)
    const model = this.#modelBlocks(blocks.model)
    const slots = new Int32Array(blocks.count).fill(-1)
    let hits = 0
    let missing = 0
    for (let i = 0; i < blocks.count; i++) {
      const slot = this.#find(blocks, i, model)
      slots[i] = slot
      if (slot < 0) missing++
      else {
        if (this.#table.retain(slot)) this.#referenced++
        if (missing === 0) hits++
      }
    }
    if (missing > 0) this.#store(blocks, model, slots, missing, lora)
    return new Allocation(hits, hits * this.blockSize, slots, this.#epoch)
  }

  /** Gives the blocks back; they stay cached. Harmless when it was done before or the cache was cleared meanwhile. */
  free(allocation: Allocation): void {
    const { slots, epoch } = allocation
    allocation.epoch = -1
    if (epoch !== this.#epoch) return
    for (let i = slots.length - 1; i >= 0; i--) {
      if (this.#table.release(slots[i]!)) this.#referenced--
    }
  }

  /** Drops everything, also under running sequences, whose `free` then does nothing. Emits `AllBlocksCleared`. */
  clear(): void {
    this.#table = new BlockTable()
    this.#models = new Map()
    this.#referenced = 0
    this.#epoch++
    this.#emit?.({ type: 'AllBlocksCleared' })
  }

  /** As vLLM's `reset_prefix_cache`: clears when no block is in use. @returns false when one is; nothing happened */
  reset(): boolean {
    if (this.#referenced > 0) return false
    this.clear()
    return true
  }

  /** What is cached, in no particular order; for tests and debugging. */
  *blocks(): Generator<{ readonly hash: bigint; readonly model: string; readonly references: number }> {
    const table = this.#table
    for (const slot of table.slots())
      yield { hash: table.hash(slot), model: table.model(slot).name, references: table.references(slot) }
  }

  #find(blocks: PromptBlocks, block: number, model: ModelBlocks): number {
    return this.#table.find(blocks.words[2 * block]!, blocks.words[2 * block + 1]!, model)
  }

  #modelBlocks(name: string): ModelBlocks {
    let model = this.#models.get(name)
    if (!model) this.#models.set(name, (model = new ModelBlocks(name)))
    return model
  }

  /** Fills the empty entries of `slots`. */
  #store(
    blocks: PromptBlocks,
    model: ModelBlocks,
    slots: Int32Array,
    missing: number,
    lora: { readonly id: number; readonly name: string } | undefined,
  ): void {
    this.#evict(this.#table.size + missing - this.size, model)
    let stored = 0
    for (let i = 0; i <= slots.length; i++) {
      if (i < slots.length && slots[i]! < 0) {
        // A block that occurs twice in one prompt was added a moment ago.
        const twin = this.#find(blocks, i, model)
        if (twin < 0) {
          slots[i] = this.#table.add(blocks.words[2 * i]!, blocks.words[2 * i + 1]!, model)
          this.#referenced++
          stored++
          continue
        }
        this.#table.retain(twin)
        slots[i] = twin
      }
      if (stored > 0) this.#announce(blocks, i - stored, i, lora)
      stored = 0
    }
  }

  /** Blocks [from, to) of the prompt were added. */
  #announce(
    blocks: PromptBlocks,
    from: number,
    to: number,
    lora: { readonly id: number; readonly name: string } | undefined,
  ): void {
    if (!this.#emit) return
    const { blockSize } = this
    const hashes: bigint[] = []
    for (let block = from; block < to; block++) hashes.push(hashValue(blocks.words, block))
    const tokenIds = new Uint32Array((to - from) * blockSize)
    for (let i = 0; i < tokenIds.length; i++) tokenIds[i] = blocks.tokenIds[from * blockSize + i]!
    this.#emit({
      type: 'BlockStored',
      hashes,
      parent: from > 0 ? hashValue(blocks.words, from - 1) : undefined,
      tokenIds,
      blockSize,
      loraId: lora?.id,
      loraName: lora?.name,
      extraKeys: blocks.extraKeys?.slice(from, to),
    })
  }

  /** Makes room; `count` may be negative. The model `keep` stays known even when its last block goes. */
  #evict(count: number, keep: ModelBlocks): void {
    if (count <= 0) return
    // Which adapters are loaded cannot change within this call, so each model is asked once.
    const idle = [...this.#models.values()].filter(model => model.first >= 0)
    const unloaded = idle.filter(model => !this.#isLoaded(model.name))
    for (let evicted = 0; evicted < count; evicted++) {
      const model = this.#oldest(unloaded) ?? this.#oldest(idle)!
      const slot = model.first
      const hash = this.#emit ? this.#table.hash(slot) : 0n
      this.#table.remove(slot)
      if (model.count === 0 && model !== keep) this.#models.delete(model.name)
      this.#emit?.({ type: 'BlockRemoved', hashes: [hash] })
    }
  }

  /** The model whose longest unused block was released first; undefined when none has unused blocks. */
  #oldest(models: readonly ModelBlocks[]): ModelBlocks | undefined {
    let oldest: ModelBlocks | undefined
    for (const model of models) {
      if (model.first < 0) continue
      if (!oldest || this.#table.releasedAt(model.first) < this.#table.releasedAt(oldest.first)) oldest = model
    }
    return oldest
  }
}
