/** A least-recently-used cache bounded by a total cost, for instance characters. */
export class LruCache<Key, Value> {
  readonly #entries = new Map<Key, { value: Value; cost: number }>()
  readonly #capacity: number
  #cost = 0

  /** @param capacity the highest sum of costs; 0 keeps nothing */
  constructor(capacity: number) {
    this.#capacity = capacity
  }

  get size(): number {
    return this.#entries.size
  }

  get(key: Key): Value | undefined {
    const entry = this.#entries.get(key)
    if (!entry) return undefined
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    return entry.value
  }

  delete(key: Key): void {
    const entry = this.#entries.get(key)
    if (!entry) return
    this.#entries.delete(key)
    this.#cost -= entry.cost
  }

  /** Stores a value, unless its cost alone exceeds the capacity. */
  set(key: Key, value: Value, cost = 1): void {
    if (cost > this.#capacity) return
    this.delete(key)
    this.#entries.set(key, { value, cost })
    this.#cost += cost
    for (const [oldest, entry] of this.#entries) {
      if (this.#cost <= this.#capacity) return
      this.#entries.delete(oldest)
      this.#cost -= entry.cost
    }
  }
}
