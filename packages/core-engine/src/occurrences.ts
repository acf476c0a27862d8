import type { Seed } from '@vllm-sim/latency'

/** Contents that are remembered at least; older ones start anew. */
const remembered = 131_072

/**
 * Counts how often a content was seen, so that equal requests get different answers that do not depend on what else
 * the server does. Bounded: two generations of a map, of which the older is dropped when the younger is full.
 */
export class OccurrenceCounter {
  #young = new Map<number, number>()
  #old = new Map<number, number>()

  /** @returns 0 for the first time, 1 for the second, … */
  count(content: Seed): number {
    const key = content[0] * 2 ** 21 + (content[1] >>> 11)
    const seen = this.#young.get(key) ?? this.#old.get(key) ?? 0
    this.#young.set(key, seen + 1)
    if (this.#young.size >= remembered) {
      this.#old = this.#young
      this.#young = new Map()
    }
    return seen
  }
}
