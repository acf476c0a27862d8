import { hash as digest } from 'node:crypto'
import type { ExtraKey } from '../events.ts'
import type { Prompt } from '../request.ts'
import { CborWriter } from './cbor.ts'
import { type MediaItem, promptKeys } from './extra-keys.ts'
import type { BlockHasher, BlockScope, ChainedHash, PromptBlocks } from './hasher.ts'

/**
 * vLLM's `sha256_cbor`: SHA-256 over the canonical CBOR of (parent digest, tokens, extra keys or nil). The model's name
 * is not hashed, the adapter's is an extra key. A block's hash is the low 64 bits of its digest read big-endian, which
 * is what vLLM sends in events; the chain goes on from the whole digest.
 */
export class Sha256CborHasher implements BlockHasher {
  readonly #cbor = new CborWriter()
  readonly #none: Uint8Array

  /**
   * @param seed vLLM's `PYTHONHASHSEED`, whose hash starts every chain; or, when it is not set, 32 random bytes
   */
  constructor(seed: string | Uint8Array) {
    this.#none = typeof seed === 'string' ? sha256(new CborWriter().text(seed).bytes) : seed
  }

  hash(prompt: Prompt, blockSize: number, scope: BlockScope): PromptBlocks {
    const { tokenIds } = prompt
    const count = Math.floor(tokenIds.length / blockSize)
    const words = new Uint32Array(2 * count)
    const { extra, rest } = promptKeys(count, blockSize, prompt.features, mediaKey, scope.lora, scope.cacheSalt)
    let end: ChainedHash = { low: 0, high: 0, digest: this.#none }
    for (let block = 0; block < count; block++) {
      end = this.#chain(end, tokenIds, block * blockSize, (block + 1) * blockSize, extra?.[block])
      words[2 * block] = end.low
      words[2 * block + 1] = end.high
    }
    return { model: scope.model, count, words, tokenIds, extraKeys: extra, end, restKeys: rest }
  }

  next(parent: ChainedHash, tokenIds: ArrayLike<number>, keys: readonly ExtraKey[] | undefined): ChainedHash {
    return this.#chain(parent, tokenIds, 0, tokenIds.length, keys)
  }

  #chain(
    parent: ChainedHash,
    ids: ArrayLike<number>,
    from: number,
    to: number,
    keys?: readonly ExtraKey[],
  ): ChainedHash {
    const cbor = this.#cbor
    cbor.reset().array(3).byteString(parent.digest!)
    cbor.uints(ids, from, to)
    if (keys) {
      cbor.array(keys.length)
      for (const key of keys) {
        if (typeof key === 'string') cbor.text(key)
        else cbor.array(2).text(key[0]).int(key[1])
      }
    } else cbor.nil()
    const digest = sha256(cbor.bytes)
    return { low: digest.readUInt32BE(28), high: digest.readUInt32BE(24), digest }
  }
}

function sha256(bytes: Uint8Array): Buffer {
  return digest('sha256', bytes, 'buffer')
}

/** vLLM tells apart where in the block a medium begins; negative when it began in an earlier block. */
function mediaKey(item: MediaItem, blockStart: number): ExtraKey {
  return [item.hash, item.start - blockStart]
}
