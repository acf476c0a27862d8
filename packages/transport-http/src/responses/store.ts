import type { ResponseRecord } from './record.ts'

/** What the store needs to know of a response. */
export interface Storable {
  readonly id: string
  /** What it costs to keep, roughly, in bytes. */
  readonly weight: number
}

/** Responses that are kept. */
const maxResponses = 1000
/** What they may weigh together: a bound on memory against large bodies. */
const maxWeight = 64 * 1024 * 1024

/** Keeps the newest responses. */
export class ResponseStore<Kept extends Storable = ResponseRecord> {
  readonly #kept = new Map<string, { readonly record: Kept; readonly weight: number }>()
  #weight = 0

  get(id: string): Kept | undefined {
    return this.#kept.get(id)?.record
  }

  /** Keeps a response, in place of one with the same id, and drops the oldest ones where there is no more room. */
  put(record: Kept): void {
    this.delete(record.id)
    const { weight } = record
    this.#kept.set(record.id, { record, weight })
    this.#weight += weight
    for (const id of this.#kept.keys()) {
      if (this.#kept.size <= maxResponses && (this.#weight <= maxWeight || id === record.id)) return
      this.delete(id)
    }
  }

  /** @returns the response that is no longer kept; undefined when there was none */
  delete(id: string): Kept | undefined {
    const kept = this.#kept.get(id)
    if (!kept) return undefined
    this.#kept.delete(id)
    this.#weight -= kept.weight
    return kept.record
  }
}
