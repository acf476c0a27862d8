import type { ResponseRecord } from './response.ts'

/** What the store needs to know of a response. */
export interface Storable {
  readonly id: string
  /** Whose it is. */
  readonly owner: string
  /** What it costs to keep, roughly, in bytes. */
  readonly weight: number
}

/** Responses that are kept. */
const maxResponses = 1000
/** What they may weigh together: a bound on memory against large bodies. */
const maxWeight = 64 * 1024 * 1024

/** Keeps the newest responses, each for the client that made it. */
export class ResponseStore<Kept extends Storable = ResponseRecord> {
  readonly #kept = new Map<string, { readonly record: Kept; weight: number }>()
  readonly #perKey: boolean
  #weight = 0

  /** @param perKey clients are told apart by their API keys; otherwise all are one */
  constructor(perKey = false) {
    this.#perKey = perKey
  }

  /** Whose responses a request makes and sees. @param authorization its header */
  ownerOf(authorization: string | undefined): string {
    return this.#perKey ? (/^bearer +(.*)$/i.exec(authorization ?? '')?.[1] ?? '') : ''
  }

  get(id: string, owner: string): Kept | undefined {
    return this.#kept.get(keyOf(id, owner))?.record
  }

  has(id: string, owner: string): boolean {
    return this.#kept.has(keyOf(id, owner))
  }

  /** Keeps a response unless another has its id, and drops the oldest ones where there is no more room. */
  put(record: Kept): void {
    const key = keyOf(record.id, record.owner)
    if (this.#kept.has(key)) return
    this.#kept.set(key, { record, weight: 0 })
    this.weigh(record)
  }

  /** A response has grown. */
  weigh(record: Kept): void {
    const own = keyOf(record.id, record.owner)
    const kept = this.#kept.get(own)
    if (kept?.record !== record) return
    this.#weight -= kept.weight
    kept.weight = record.weight
    this.#weight += kept.weight
    for (const [key, { weight }] of this.#kept) {
      if (this.#kept.size <= maxResponses && this.#weight <= maxWeight) return
      if (key === own) continue
      this.#kept.delete(key)
      this.#weight -= weight
    }
  }

  /** @returns the response that is no longer kept; undefined when there was none */
  delete(id: string, owner: string): Kept | undefined {
    const key = keyOf(id, owner)
    const kept = this.#kept.get(key)
    if (!kept) return undefined
    this.#kept.delete(key)
    this.#weight -= kept.weight
    return kept.record
  }
}

/** Neither part has a line break, as both come from headers or are checked. */
function keyOf(id: string, owner: string): string {
  return `${owner}\n${id}`
}
