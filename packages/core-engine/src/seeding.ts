import { type Seed, SeedBuilder } from '@vllm-sim/latency'
import type { GenerationRequest, Prompt } from './request.ts'
import { type Reader, Sequence } from './sequence.ts'

/** Gives each sequence a seed of its own, from its request's content and nothing else that happens. */
export class Seeding {
  readonly #seed: number
  readonly #occurrences = new OccurrenceCounter()

  /** @param seed the server's, any number */
  constructor(seed: number) {
    this.#seed = seed
  }

  /** Makes the sequences of `request`, in the order of their indexes. */
  sequences(request: GenerationRequest, reader: Reader, into: Sequence[]): void {
    const own = request.seed !== undefined
    for (const prompt of request.prompts) {
      const content = contentSeed(request, prompt)
      const occurrence = own ? 0 : this.#occurrences.count(content)
      for (let repetition = 0; repetition < request.n; repetition++) {
        const builder = new SeedBuilder().list(content).add(request.seed ?? this.#seed)
        builder
          .add(own ? 2 : 1)
          .add(repetition)
          .add(occurrence)
        into.push(new Sequence(request, prompt, into.length, reader, builder.seed()))
      }
    }
  }
}

/** What the randomness of an answer depends on, beside the seed: the prompt and the parameters that shape the answer. */
function contentSeed(request: GenerationRequest, prompt: Prompt): Seed {
  const { limits } = request
  const builder = new SeedBuilder().text(request.model).list(prompt.tokenIds)
  builder
    .add(limits.maxTokens ?? -1)
    .add(limits.minTokens ?? 0)
    .add(limits.ignoreEos ? 1 : 0)
  for (const stop of limits.stop ?? []) builder.text(stop)
  if (limits.stopTokenIds) builder.list(limits.stopTokenIds)
  if (request.fingerprint) builder.text(request.fingerprint)
  return builder.seed()
}

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
