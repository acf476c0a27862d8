import type { ExtraKey } from '../events.ts'
import type { Prompt } from '../request.ts'
import type { ExtraKeys } from './extra-keys.ts'

/** Whose prompt it is: what separates the cached blocks of equal tokens. */
export interface BlockScope {
  /** The name shown in answers: the adapter's, or the first served name. */
  readonly model: string
  /** Set when `model` is a LoRA adapter. */
  readonly lora?: string | undefined
  /** A request's `cache_salt`; empty counts as none. */
  readonly cacheSalt?: string | undefined
}

/** The hash of a block, in halves, and what the chain goes on from where that is more. */
export interface ChainedHash {
  readonly low: number
  readonly high: number
  readonly digest?: Uint8Array
}

/** The whole blocks of one prompt. Made once and shared by all choices of the request. */
export interface PromptBlocks {
  readonly model: string
  /** Whole blocks; a shorter rest of the prompt is not in any block. */
  readonly count: number
  /** Chained hashes: block `i` has its low half at `2 * i`, its high half at `2 * i + 1`. */
  readonly words: Uint32Array
  /** All tokens of the prompt. */
  readonly tokenIds: ArrayLike<number>
  readonly extraKeys: ExtraKeys | undefined
  /** What the block after the last one is chained to, and the keys it has from the prompt. */
  readonly end: ChainedHash
  readonly restKeys: readonly ExtraKey[] | undefined
}

/** Turns a prompt into chained block hashes: equal hashes mean an equal prefix up to the end of the block. */
export interface BlockHasher {
  /** @param blockSize tokens per block, at least 1 */
  hash(prompt: Prompt, blockSize: number, scope: BlockScope): PromptBlocks
  /** The hash of a further block, whose tokens these are. */
  next(parent: ChainedHash, tokenIds: ArrayLike<number>, keys: readonly ExtraKey[] | undefined): ChainedHash
}

/** A hash of `words` as one unsigned 64-bit number; for events, not for look-ups. */
export function hashValue(words: Uint32Array, block: number): bigint {
  return (BigInt(words[2 * block + 1]!) << 32n) | BigInt(words[2 * block]!)
}
