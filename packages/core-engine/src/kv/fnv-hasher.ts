import type { ExtraKey } from '../events.ts'
import type { Prompt } from '../request.ts'
import { CborWriter } from './cbor.ts'
import { type MediaItem, promptKeys } from './extra-keys.ts'
import { fnv1a64, type Hash64 } from './fnv.ts'
import type { BlockHasher, BlockScope, ChainedHash, PromptBlocks } from './hasher.ts'

/** Root hashes kept; adapters come and go under new names. */
const rememberedRoots = 1024

/**
 * The block hashes of llm-d's router and simulator (llm-d-router v0.10.0, package `kvblock`): FNV-1a 64 over
 * `CBOR([parent, tokens, extra])`, the chain starting at a hash of seed and model name.
 *
 * A LoRA adapter is told apart by its model name. llm-d does not hash the cache salt; here it is one more extra key of
 * the first block, encoded like a medium's hash, so salted prompts are apart from others (and from each other) while
 * the hashes without salt stay theirs.
 */
export class FnvHasher implements BlockHasher {
  readonly #cbor = new CborWriter()
  readonly #seed: Hash64 = { low: 0, high: 0 }
  readonly #roots = new Map<string, Hash64>()

  /** @param seed the `hash-seed` option; instances whose hashes shall be equal need the same */
  constructor(seed = '') {
    const bytes = new TextEncoder().encode(seed)
    fnv1a64(bytes, bytes.length, this.#seed)
  }

  hash(prompt: Prompt, blockSize: number, scope: BlockScope): PromptBlocks {
    const { tokenIds } = prompt
    const count = Math.floor(tokenIds.length / blockSize)
    const words = new Uint32Array(2 * count)
    const { extra, rest } = promptKeys(count, blockSize, prompt.features, mediaHash, undefined, scope.cacheSalt)
    const root = this.#root(scope.model)
    const hash = { low: root.low, high: root.high }
    for (let block = 0; block < count; block++) {
      this.#chain(hash, tokenIds, block * blockSize, (block + 1) * blockSize, extra?.[block])
      words[2 * block] = hash.low
      words[2 * block + 1] = hash.high
    }
    return { model: scope.model, count, words, tokenIds, extraKeys: extra, end: hash, restKeys: rest }
  }

  next(parent: ChainedHash, tokenIds: ArrayLike<number>, keys: readonly ExtraKey[] | undefined): ChainedHash {
    const hash = { low: parent.low, high: parent.high }
    this.#chain(hash, tokenIds, 0, tokenIds.length, keys)
    return hash
  }

  /** @param hash of the block before; becomes that of this block */
  #chain(hash: Hash64, ids: ArrayLike<number>, from: number, to: number, keys?: readonly ExtraKey[]): void {
    const cbor = this.#cbor
    cbor.reset().array(3).uint64(hash.low, hash.high)
    cbor.uints(ids, from, to)
    if (keys) {
      cbor.array(keys.length)
      for (const key of keys)
        cbor
          .map(1)
          .text('Hash')
          .text(key as string)
    } else cbor.nil()
    fnv1a64(cbor.buffer, cbor.length, hash)
  }

  #root(model: string): Hash64 {
    let root = this.#roots.get(model)
    if (!root) {
      root = { low: 0, high: 0 }
      const cbor = this.#cbor.reset().array(3).uint64(this.#seed.low, this.#seed.high).nil().text(model)
      fnv1a64(cbor.buffer, cbor.length, root)
      if (this.#roots.size >= rememberedRoots) this.#roots.clear()
      this.#roots.set(model, root)
    }
    return root
  }
}

function mediaHash(item: MediaItem): string {
  return item.hash
}
