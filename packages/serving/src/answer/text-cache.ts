import { LRUCache } from 'lru-cache'

/** Entries that are kept at most, and their weights together. */
const maxEntries = 512
const maxWeight = 200_000
/** Characters of a key that weigh 1. */
const keyCharacters = 4

type Entry<T> = { readonly value: T } | { readonly error: unknown }

/** Remembers what was made from a text; what was used longest ago is forgotten first. */
export class TextCache<T> {
  readonly #lasts: (error: unknown) => boolean
  readonly #entries: LRUCache<string, Entry<T>>

  /**
   * @param weigh how much memory a value takes, in steps of the work that went into it; may grow while it is used
   * @param lasts whether a failure is one of the text itself: others are not remembered
   */
  constructor(weigh: (value: T) => number, lasts: (error: unknown) => boolean) {
    this.#lasts = lasts
    this.#entries = new LRUCache({
      max: maxEntries,
      maxSize: maxWeight,
      sizeCalculation: (entry, key) =>
        Math.ceil(1 + key.length / keyCharacters + ('value' in entry ? weigh(entry.value) : 0)),
    })
  }

  /** The value made from `key` earlier, or now by `make`. @throws what `make` throws or threw */
  get(key: string, make: () => T): T {
    const entry = this.#entries.get(key) ?? this.#attempt(make)
    // Weighed anew each time. What is too heavy for the cache is not kept.
    this.#entries.delete(key)
    this.#entries.set(key, entry)
    if ('error' in entry) throw entry.error
    return entry.value
  }

  #attempt(make: () => T): Entry<T> {
    try {
      return { value: make() }
    } catch (error) {
      if (this.#lasts(error)) return { error }
      throw error
    }
  }
}
