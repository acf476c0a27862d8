import { createHash } from 'node:crypto'
import { type BlockHasher, FnvHasher, Sha256CborHasher } from '@vllm-sim/core-engine'
import { type MicroCase, sink } from './case.ts'

const blockSize = 16
const blocks = 36
const ids = Uint32Array.from({ length: blocks * blockSize }, (_, at) => (at * 31) % 100_000)

function hasherCase(
  name: string,
  hasher: BlockHasher,
  against: string,
  block: (words: Uint32Array) => void,
): MicroCase {
  const prompt = { tokenIds: ids }
  return {
    operation: `KV block of ${blockSize} tokens, ${name}`,
    against,
    run(count) {
      for (let done = 0; done < count; done += blocks) sink.value = hasher.hash(prompt, blockSize, { model: 'm' })
    },
    baseline(count) {
      for (let done = 0; done < count; done++) {
        const at = (done % blocks) * blockSize
        block(ids.subarray(at, at + blockSize))
      }
    },
  }
}

/** The reference's block hash. */
export function fnvCase(): MicroCase {
  return hasherCase('FNV-1a over CBOR', new FnvHasher(), 'FNV-1a, 32 bit, over the words', words => {
    let hash = 0x811c9dc5
    for (let i = 0; i < words.length; i++) hash = Math.imul(hash ^ words[i]!, 0x01000193)
    sink.value = hash
  })
}

/** vLLM's block hash. */
export function sha256Case(): MicroCase {
  return hasherCase('SHA-256 over CBOR', new Sha256CborHasher('0'), 'SHA-256 of 64 bytes', words => {
    sink.value = createHash('sha256').update(words).digest()
  })
}
