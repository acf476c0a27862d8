import { OccurrenceCounter } from '@vllm-sim/core-engine'
import { SeedBuilder, SeededRandom } from '@vllm-sim/latency'

/**
 * Yes or no for requests, by chance. The decision depends on the seed, what it is about, the request's content and how
 * often that was seen, never on other requests.
 */
export class ContentChance {
  readonly #seed: number
  readonly #topic: string
  readonly #percent: () => number
  readonly #occurrences = new OccurrenceCounter()

  /**
   * @param topic separates decisions of different kinds about one request
   * @param percent how many in 100 are to be yes; asked each time, so it may change
   */
  constructor(seed: number, topic: string, percent: () => number) {
    this.#seed = seed
    this.#topic = topic
    this.#percent = percent
  }

  /** The decision for a request with this content. Costs nothing at 0 and at 100 percent. */
  draw(content: string): boolean {
    const percent = this.#percent()
    if (percent <= 0) return false
    if (percent >= 100) return true
    const builder = new SeedBuilder().text(this.#topic).text(content)
    const occurrence = this.#occurrences.count(builder.seed())
    return new SeededRandom(builder.add(this.#seed).add(occurrence).seed()).int(1, 100) <= percent
  }
}
