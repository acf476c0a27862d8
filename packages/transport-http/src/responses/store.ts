import type { ResponseRecord } from './record.ts'

/** Responses that are kept. */
const maxResponses = 1000
/** What they may weigh together, in units of `ResponseRecord.weight`; a bound on memory against large bodies. */
const maxWeight = 64 * 1024 * 1024

/** Keeps the newest responses. */
export class ResponseStore {
  readonly #kept = new Map<string, { readonly record: ResponseRecord; readonly weight: number }>()
  #weight = 0

  get(id: string): ResponseRecord | undefined {
    return this.#kept.get(id)?.record
  }

  /** Keeps a response, in place of one with the same id, and drops the oldest ones where there is no more room. */
  put(record: ResponseRecord): void {
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
  delete(id: string): ResponseRecord | undefined {
    const kept = this.#kept.get(id)
    if (!kept) return undefined
    this.#kept.delete(id)
    this.#weight -= kept.weight
    return kept.record
  }
}
