import type { KvCacheEvent } from '@vllm-sim/core-engine'

/** Changes of the prefix cache that leave together. */
export interface NumberedBatch {
  readonly sequence: number
  /** Unix time, seconds. */
  readonly timestamp: number
  readonly events: readonly KvCacheEvent[]
}

/** Where the changes of a prefix cache can be heard, numbered as everybody else hears them. */
export interface KvEventSource {
  /**
   * Calls `listener` with each batch from now on.
   * @param from the first batch that is wanted, and may be one of before; undefined: what comes
   * @returns ends that; undefined when `from` is older than what is remembered, or in the future
   */
  subscribe(from: number | undefined, listener: (batch: NumberedBatch) => void): (() => void) | undefined
  /** Number of the latest batch; one less than the first when there was none yet. */
  readonly latest: number
}
