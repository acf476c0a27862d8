import type { ObservedSequence } from './events.ts'
import type { KvTransferParams } from './request.ts'

/** KV blocks that stay in use after their sequence has ended. */
export interface HeldBlocks {
  /** Their numbers in the cache, in prompt order. Only whole blocks of the prompt are kept. */
  readonly ids: ArrayLike<number>
  /** Gives them back, once: they stay cached, and may be evicted. Harmless afterwards. */
  release(): void
}

/**
 * Takes over the blocks of a request that was prefilled for another instance, vLLM's `request_finished` of a connector. It
 * is called once per request, when its first sequence ends, and has to release them some time.
 * @param now clock time, milliseconds
 * @returns what the answer tells the other instance
 */
export type HandOver = (sequence: ObservedSequence, blocks: HeldBlocks, now: number) => KvTransferParams

/** The blocks of a sequence that has none. */
export const noBlocks: HeldBlocks = { ids: [], release() {} }
