import type { Prompt } from './request.ts'
import type { Sequence } from './sequence.ts'

/** Refuses prompts of which too little is cached. The first choice of a prompt decides for all: its blocks would be hits for the others. */
export class CacheThreshold {
  readonly #share: number
  readonly #refused = new WeakMap<Prompt, boolean>()

  /** @param share of cached prompt tokens, 0 to 1, for requests that set none; 0 is off */
  constructor(share: number) {
    this.#share = share
  }

  /** @param cached the cache is in use */
  refuses(sequence: Sequence, cached: boolean): boolean {
    const { request, prompt, promptTokens, cachedTokens } = sequence
    if (request.forceCacheThreshold) return true
    if (!cached) return false
    const decided = this.#refused.get(prompt)
    if (decided !== undefined) return decided
    const own = request.cacheHitThreshold
    const threshold = own !== undefined && own >= 0 && own <= 1 ? own : this.#share
    if (threshold === 0) return false
    const refused = (promptTokens === 0 ? 0 : cachedTokens / promptTokens) < threshold
    if (request.n > 1) this.#refused.set(prompt, refused)
    return refused
  }
}
