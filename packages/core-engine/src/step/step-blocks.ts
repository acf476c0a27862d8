export type BlockKey = number | bigint | string

/** A block of the KV cache. */
interface Block {
  references: number
  /** Undefined while not registered. */
  key: BlockKey | undefined
  previous: Block | undefined
  following: Block | undefined
}

/** What step blocks know of a request. */
export interface BlockOwner {
  /** In order. */
  readonly blocks: Block[]
  /** The first so many blocks are registered. */
  registered: number
  /** Stands for the adapter and all tokens up to the end of its block `index`; equal only when these are. */
  key(index: number): BlockKey
}

/** Blocks of whole sequences, prompt and output, as vLLM's V1 engine keeps them: reference counts, prefix hits, one free list. */
export class StepBlocks {
  readonly blockSize: number
  readonly #caching: boolean
  /** Registered blocks by their key, the earliest registered first. */
  readonly #registered = new Map<BlockKey, Block[]>()
  #first: Block | undefined
  #last: Block | undefined
  #free = 0

  /** @param count blocks, of which one is never used @param caching whether full blocks are kept for others */
  constructor(count: number, blockSize: number, caching: boolean) {
    this.blockSize = blockSize
    this.#caching = caching
    for (let at = 1; at < count; at++) {
      this.#append({ references: 0, key: undefined, previous: undefined, following: undefined })
    }
  }

  get free(): number {
    return this.#free
  }

  /** Leading full blocks of the first `tokens` tokens that are registered. */
  hits(owner: BlockOwner, tokens: number): Block[] {
    const found: Block[] = []
    if (!this.#caching) return found
    const most = Math.floor(tokens / this.blockSize)
    while (found.length < most) {
      const block = this.#registered.get(owner.key(found.length))?.[0]
      if (!block) break
      found.push(block)
    }
    return found
  }

  /** Takes hits for a request that has no blocks. */
  reference(owner: BlockOwner, hits: readonly Block[]): void {
    for (const block of hits) {
      if (block.references++ === 0) this.#remove(block)
      owner.blocks.push(block)
    }
    owner.registered = hits.length
  }

  /** Takes blocks so that `tokens` tokens have room. @returns false when there are not enough, and none was taken */
  grow(owner: BlockOwner, tokens: number): boolean {
    const missing = Math.ceil(tokens / this.blockSize) - owner.blocks.length
    if (missing > this.#free) return false
    for (let at = 0; at < missing; at++) {
      const block = this.#first!
      this.#remove(block)
      this.#forget(block)
      block.references = 1
      owner.blocks.push(block)
    }
    return true
  }

  /** Makes the full blocks of the first `tokens` tokens hits for others. */
  register(owner: BlockOwner, tokens: number): void {
    if (!this.#caching) return
    const full = Math.floor(tokens / this.blockSize)
    for (; owner.registered < full; owner.registered++) {
      const block = owner.blocks[owner.registered]!
      const key = owner.key(owner.registered)
      block.key = key
      const same = this.#registered.get(key)
      if (same) same.push(block)
      else this.#registered.set(key, [block])
    }
  }

  /** Gives all blocks back. Registered ones stay hits until they are taken; others are taken first, the last one before. */
  release(owner: BlockOwner): void {
    const unregistered: Block[] = []
    for (const block of owner.blocks.toReversed()) {
      if (--block.references > 0) continue
      if (block.key === undefined) unregistered.push(block)
      else this.#append(block)
    }
    for (const block of unregistered.toReversed()) this.#prepend(block)
    owner.blocks.length = 0
    owner.registered = 0
  }

  #forget(block: Block): void {
    if (block.key === undefined) return
    const same = this.#registered.get(block.key)!
    if (same.length === 1) this.#registered.delete(block.key)
    else same.splice(same.indexOf(block), 1)
    block.key = undefined
  }

  #append(block: Block): void {
    block.previous = this.#last
    block.following = undefined
    if (this.#last) this.#last.following = block
    else this.#first = block
    this.#last = block
    this.#free++
  }

  #prepend(block: Block): void {
    block.following = this.#first
    block.previous = undefined
    if (this.#first) this.#first.previous = block
    else this.#last = block
    this.#first = block
    this.#free++
  }

  #remove(block: Block): void {
    if (block.previous) block.previous.following = block.following
    else this.#first = block.following
    if (block.following) block.following.previous = block.previous
    else this.#last = block.previous
    this.#free--
  }
}
