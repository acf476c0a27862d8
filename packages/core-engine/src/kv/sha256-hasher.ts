import { hash as digest } from 'node:crypto'
import type { ExtraKey } from '../events.ts'
import type { Prompt } from '../request.ts'
import { CborWriter } from './cbor.ts'
import { extraKeys, type MediaItem } from './extra-keys.ts'
import type { BlockHasher, BlockScope, PromptBlocks } from './hasher.ts'

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
    const extra = extraKeys(count, blockSize, prompt.features, mediaKey, scope.lora, scope.cacheSalt)
    const cbor = this.#cbor
    let parent = this.#none
    for (let block = 0; block < count; block++) {
      cbor.reset().array(3).byteString(parent)
      cbor.uints(tokenIds, block * blockSize, (block + 1) * blockSize)
      const keys = extra?.[block]
      if (keys) {
        cbor.array(keys.length)
        for (const key of keys) {
          if (typeof key === 'string') cbor.text(key)
          else cbor.array(2).text(key[0]).int(key[1])
        }
      } else cbor.nil()
      const hash = sha256(cbor.bytes)
      words[2 * block] = hash.readUInt32BE(28)
      words[2 * block + 1] = hash.readUInt32BE(24)
      parent = hash
    }
    return { model: scope.model, count, words, tokenIds, extraKeys: extra }
  }
}

function sha256(bytes: Uint8Array): Buffer {
  return digest('sha256', bytes, 'buffer')
}

/** vLLM tells apart where in the block a medium begins; negative when it began in an earlier block. */
function mediaKey(item: MediaItem, blockStart: number): ExtraKey {
  return [item.hash, item.start - blockStart]
}
