import type { PromptFeatures } from '@vllm-sim/core-engine'
import type { Cells } from './cells.ts'

/** Items that the cache of processed images, audio and video remembers. */
const maxItems = 10_000
/** Characters of a hash that is remembered; a client can choose it. */
const maxHash = 256

/** The cache of processed items that vLLM's `mm_cache_*` counters look at: an item is a hit when it was seen lately. */
export class MultimodalCache {
  readonly #cells: Cells
  /** Hashes from the one least recently seen to the newest. */
  readonly #seen = new Set<string>()

  constructor(cells: Cells) {
    this.#cells = cells
  }

  /** Looks up every item of a prompt. */
  look({ mmHashes }: PromptFeatures): void {
    for (const hashes of Object.values(mmHashes)) for (const hash of hashes) this.#look(hash)
  }

  #look(hash: string): void {
    this.#cells.multimodalCacheQueries.value++
    if (hash.length > maxHash) return
    if (this.#seen.delete(hash)) this.#cells.multimodalCacheHits.value++
    this.#seen.add(hash)
    if (this.#seen.size > maxItems) this.#seen.delete(this.#seen.values().next().value!)
  }
}
