/** Characters of all keys together, and entries, that are kept at most. */
const maxCharacters = 4_000_000
const maxEntries = 512

/** Remembers what was made from a text, failures too; what was used longest ago is forgotten first. */
export class TextCache<T> {
  readonly #entries = new Map<string, { readonly value: T } | { readonly error: unknown }>()
  #characters = 0

  /** The value made from `key` earlier, or now by `make`. @throws what `make` throws or threw */
  get(key: string, make: () => T): T {
    let entry = this.#entries.get(key)
    if (entry) this.#entries.delete(key)
    else {
      entry = attempt(make)
      this.#characters += key.length
    }
    this.#entries.set(key, entry)
    this.#trim()
    if ('error' in entry) throw entry.error
    return entry.value
  }

  #trim(): void {
    for (const key of this.#entries.keys()) {
      if (this.#entries.size <= maxEntries && this.#characters <= maxCharacters) return
      this.#entries.delete(key)
      this.#characters -= key.length
    }
  }
}

function attempt<T>(make: () => T): { value: T } | { error: unknown } {
  try {
    return { value: make() }
  } catch (error) {
    return { error }
  }
}
