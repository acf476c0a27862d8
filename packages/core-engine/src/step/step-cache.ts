import type { BlocksStored } from '../events.ts'
import type { HeldBlocks } from '../hand-over.ts'
import type { BlockHasher } from '../kv/index.ts'
import type { KvCache, KvCacheListener } from '../kv-cache.ts'
import type { Prompt } from '../request.ts'
import type { Sequence } from '../sequence.ts'
import { SequenceKeys } from './sequence-keys.ts'
import { type BlockKey, type BlockOwner, StepBlocks } from './step-blocks.ts'
import { SteppedSequence } from './stepped-sequence.ts'

export interface StepCacheOptions {
  /** Blocks, of which one is never used, as vLLM counts them. */
  readonly size: number
  /** Tokens per block. */
  readonly blockSize: number
  /** Whether full blocks are kept for others. */
  readonly caching: boolean
  readonly hasher: BlockHasher
}

/** The KV blocks of an engine whose sequences share steps, for the engine and its observers. The scheduler takes and gives them. */
export class StepCache implements KvCache {
  readonly blocks: StepBlocks
  /** Called when blocks that were kept beyond their sequence are given back: there may be room for others. */
  onFreed: () => void = () => {}
  readonly #hasher: BlockHasher
  readonly #caching: boolean
  /** Hashes of a prompt, shared by the choices of its request. */
  readonly #hashed = new WeakMap<Prompt, ReturnType<BlockHasher['hash']>>()
  #listener: KvCacheListener | undefined
  #usage = 0
  #asleep = false

  constructor({ size, blockSize, caching, hasher }: StepCacheOptions) {
    this.#hasher = hasher
    this.#caching = caching
    this.blocks = new StepBlocks(size, blockSize, caching, {
      stored: (owner, from, to) => this.#stored(owner, from, to),
      removed: key => this.#listener?.event({ type: 'BlockRemoved', hashes: [key as bigint] }),
      cleared: () => this.#listener?.event({ type: 'AllBlocksCleared' }),
    })
  }

  get enabled(): boolean {
    return this.blocks.caching
  }

  get usage(): number {
    const { free, usable } = this.blocks
    return usable === 0 ? 0 : 1 - free / usable
  }

  listen(listener: KvCacheListener): void {
    this.#listener = listener
  }

  /** Tells of the share of blocks in use when it changed. */
  tellUsage(): void {
    const usage = this.#asleep ? 0 : this.usage
    if (usage === this.#usage) return
    this.#usage = usage
    this.#listener?.usage(usage)
  }

  /** What the sequence's blocks go by. */
  keysOf(sequence: Sequence): SequenceKeys {
    const { prompt, request } = sequence
    const { model, lora, cacheSalt } = request
    let blocks = this.#hashed.get(prompt)
    if (!blocks) {
      blocks = this.#hasher.hash(prompt, this.blocks.blockSize, { model, lora, cacheSalt })
      this.#hashed.set(prompt, blocks)
    }
    return new SequenceKeys(sequence, blocks, this.#hasher, this.blocks.blockSize)
  }

  /** The scheduler waits for room. */
  fits(): boolean {
    return true
  }

  allocate(sequence: Sequence): undefined {
    if (this.enabled) this.#listener?.lookup(sequence.promptTokens, sequence.cachedTokens)
  }

  hold({ stepped, promptTokens }: Sequence): HeldBlocks | undefined {
    if (!stepped || stepped.blocks.length === 0) return undefined
    const { ids, release } = this.blocks.keep(stepped, Math.floor(promptTokens / this.blocks.blockSize))
    return {
      ids,
      release: () => {
        release()
        this.tellUsage()
        this.onFreed()
      },
    }
  }

  free(): void {}

  disable(): void {
    this.#asleep = true
    this.blocks.caching = false
    this.tellUsage()
  }

  enable(): void {
    this.#asleep = false
    this.blocks.caching = this.#caching
    this.tellUsage()
  }

  reset(): boolean {
    if (this.blocks.free < this.blocks.usable) return false
    this.blocks.clear()
    return true
  }

  #stored(owner: BlockOwner, from: number, to: number): void {
    if (!this.#listener || !(owner instanceof SteppedSequence)) return
    const { keys, sequence } = owner
    const { blockSize } = this.blocks
    const hashes: BlockKey[] = []
    for (let block = from; block < to; block++) hashes.push(keys.at(block))
    const extraKeys: BlocksStored['extraKeys'] = keys.extra(from, to)
    this.#listener.event({
      type: 'BlockStored',
      hashes: hashes as bigint[],
      parent: from > 0 ? keys.at(from - 1) : undefined,
      tokenIds: keys.tokens(from * blockSize, to * blockSize),
      blockSize,
      loraId: sequence.adapter?.id,
      loraName: sequence.adapter?.name,
      extraKeys,
    })
  }
}
