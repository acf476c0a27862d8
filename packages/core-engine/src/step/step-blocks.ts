export type BlockKey = number | bigint | string

/** A block of the KV cache. */
interface Block {
  /** From 1 on; 0 is the block that is never used. */
  readonly number: number
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

/** Hears what becomes a hit for others and what is one no more. */
export interface StepBlocksListener {
  /** Blocks [from, to) of the owner were registered. */
  stored(owner: BlockOwner, from: number, to: number): void
  removed(key: BlockKey): void
  cleared(): void
}

/** Blocks of whole sequences, prompt and output, as vLLM's V1 engine keeps them: reference counts, prefix hits, one free list. */
export class StepBlocks {
  readonly blockSize: number
  /** All blocks that can be used. */
  readonly usable: number
  #caching: boolean
  readonly #listener: StepBlocksListener | undefined
  /** Registered blocks by their key, the earliest registered first. */
  readonly #registered = new Map<BlockKey, Block[]>()
  // What is free, in the order in which it is taken: unregistered blocks, the last one first; blocks that were never used,
  // which do not exist yet; a list of registered ones.
  readonly #unregistered: Block[] = []
  #unused: number
  #first: Block | undefined
  #last: Block | undefined
  #listed = 0

  /** @param count blocks, of which one is never used @param caching whether full blocks are kept for others */
  constructor(count: number, blockSize: number, caching: boolean, listener?: StepBlocksListener) {
    this.blockSize = blockSize
    this.usable = count - 1
    this.#caching = caching
    this.#listener = listener
    this.#unused = count - 1
  }

  get free(): number {
    return this.#unregistered.length + this.#unused + this.#listed
  }

  /** Whether full blocks are kept for others. */
  get caching(): boolean {
    return this.#caching
  }

  set caching(on: boolean) {
    this.#caching = on
    if (!on) this.clear()
  }

  /** No block is a hit any more. Those that are used stay with their owners. */
  clear(): void {
    for (const same of this.#registered.values()) for (const block of same) block.key = undefined
    this.#registered.clear()
    this.#listener?.cleared()
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
    if (missing > this.free) return false
    for (let at = 0; at < missing; at++) {
      const block = this.#allocate()
      block.references = 1
      owner.blocks.push(block)
    }
    return true
  }

  /** Makes the full blocks of the first `tokens` tokens hits for others. */
  register(owner: BlockOwner, tokens: number): void {
    if (!this.#caching) return
    const full = Math.floor(tokens / this.blockSize)
    if (full <= owner.registered) return
    const from = owner.registered
    for (; owner.registered < full; owner.registered++) {
      const block = owner.blocks[owner.registered]!
      const key = owner.key(owner.registered)
      block.key = key
      const same = this.#registered.get(key)
      if (same) same.push(block)
      else this.#registered.set(key, [block])
    }
    this.#listener?.stored(owner, from, full)
  }

  /** Gives all blocks back. Registered ones stay hits until they are taken; others are taken first, the last one before. */
  release(owner: BlockOwner): void {
    const { blocks } = owner
    for (let at = blocks.length - 1; at >= 0; at--) {
      const block = blocks[at]!
      if (--block.references === 0 && block.key !== undefined) this.#append(block)
    }
    for (const block of blocks) if (block.references === 0 && block.key === undefined) this.#unregistered.push(block)
    owner.blocks.length = 0
    owner.registered = 0
  }

  /** Keeps the first blocks of an owner in use when it gives all of them back. @returns their numbers, and what gives them back, once */
  keep(owner: BlockOwner, count: number): { readonly ids: number[]; readonly release: () => void } {
    const kept: BlockOwner = { blocks: owner.blocks.slice(0, count), registered: 0, key: owner.key }
    for (const block of kept.blocks) block.references++
    return { ids: kept.blocks.map(({ number }) => number), release: () => this.release(kept) }
  }

  #forget(block: Block): void {
    if (block.key === undefined) return
    const same = this.#registered.get(block.key)!
    if (same.length === 1) this.#registered.delete(block.key)
    else same.splice(same.indexOf(block), 1)
    this.#listener?.removed(block.key)
    block.key = undefined
  }

  #append(block: Block): void {
    block.previous = this.#last
    block.following = undefined
    if (this.#last) this.#last.following = block
    else this.#first = block
    this.#last = block
    this.#listed++
  }

  /** Takes a block out of the list, which it is in. */
  #remove(block: Block): void {
    if (block.previous) block.previous.following = block.following
    else this.#first = block.following
    if (block.following) block.following.previous = block.previous
    else this.#last = block.previous
    this.#listed--
  }

  /** The block that is taken first of those that are free. */
  #allocate(): Block {
    const block = this.#unregistered.pop()
    if (block) return block
    if (this.#unused > 0) {
      this.#unused--
      return {
        number: this.usable - this.#unused,
        references: 0,
        key: undefined,
        previous: undefined,
        following: undefined,
      }
    }
    const first = this.#first!
    this.#remove(first)
    this.#forget(first)
    return first
  }
}
