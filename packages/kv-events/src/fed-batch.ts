import type { KvCacheEvent } from '@vllm-sim/core-engine'

/** A numbered batch, as listeners in this process get it. */
export interface FedBatch {
  readonly sequence: number
  /** Unix time, seconds. */
  readonly timestamp: number
  readonly events: readonly KvCacheEvent[]
}
