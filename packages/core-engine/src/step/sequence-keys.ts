import type { ExtraKey } from '../events.ts'
import type { BlockHasher, ChainedHash, PromptBlocks } from '../kv/hasher.ts'
import { hashValue } from '../kv/hasher.ts'
import type { Sequence } from '../sequence.ts'

/** What the blocks of a sequence go by, those of its output too. */
export class SequenceKeys {
  readonly #sequence: Sequence
  readonly #prompt: PromptBlocks
  readonly #hasher: BlockHasher
  readonly #blockSize: number
  /** Hashes of blocks after the prompt's. */
  readonly #output: bigint[] = []
  #end: ChainedHash

  constructor(sequence: Sequence, prompt: PromptBlocks, hasher: BlockHasher, blockSize: number) {
    this.#sequence = sequence
    this.#prompt = prompt
    this.#hasher = hasher
    this.#blockSize = blockSize
    this.#end = prompt.end
  }

  /** Hash of a block, all of whose tokens are known. */
  at(block: number): bigint {
    const { count, words } = this.#prompt
    if (block < count) return hashValue(words, block)
    for (let next = count + this.#output.length; next <= block; next++) {
      const ids = this.tokens(next * this.#blockSize, (next + 1) * this.#blockSize)
      this.#end = this.#hasher.next(this.#end, ids, this.#keysAfterPrompt(next))
      this.#output.push((BigInt(this.#end.high) << 32n) | BigInt(this.#end.low))
    }
    return this.#output[block - count]!
  }

  /** Ids of the tokens [from, to). */
  tokens(from: number, to: number): Uint32Array {
    const { promptTokens, prompt, outputIds = [] } = this.#sequence
    const ids = new Uint32Array(to - from)
    for (let at = from; at < to; at++) {
      ids[at - from] = at < promptTokens ? prompt.tokenIds[at]! : outputIds[at - promptTokens]!
    }
    return ids
  }

  /** What the hashes of the blocks [from, to) depend on beside tokens; undefined when nothing. */
  extra(from: number, to: number): (readonly ExtraKey[] | undefined)[] | undefined {
    const { count, extraKeys } = this.#prompt
    const keys: (readonly ExtraKey[] | undefined)[] = []
    for (let block = from; block < to; block++) {
      keys.push(block < count ? extraKeys?.[block] : this.#keysAfterPrompt(block))
    }
    return keys.some(key => key !== undefined) ? keys : undefined
  }

  /** The block in which the prompt ends may have media of it; those after it have what all of them have: the adapter. */
  #keysAfterPrompt(block: number): readonly ExtraKey[] | undefined {
    const { count, restKeys } = this.#prompt
    if (block === count) return restKeys
    const { lora } = this.#sequence.request
    return lora !== undefined && restKeys?.[0] === lora ? [lora] : undefined
  }
}
