import { detach } from './detach.ts'

const WAYS = 4
const FIRST_SETS = 1 << 10
const MOST_SETS = 1 << 16
const SHORT = 64
const LONG_CHARACTERS = 4 * 1024 * 1024

/**
 * Remembers which piece an id stood for, within fixed bounds: 262,144 pieces of up to 64 characters, and 4 million characters
 * of longer ones. Ids are hashes, so they are their own position in a 4-way set-associative table: a look-up takes a few
 * nanoseconds, where a `Map` with ids above 2^31 for keys takes over a hundred. When a set is full one of its entries leaves,
 * which is rare below some 50,000 different pieces. The table starts small and grows.
 */
export class PieceMemory {
  #sets = FIRST_SETS
  #ids = new Uint32Array(FIRST_SETS * WAYS)
  #pieces = new Array<string | undefined>(FIRST_SETS * WAYS).fill(undefined)
  #victim = 0
  readonly #long = new Map<number, string>()
  #longCharacters = 0

  /** Stores the piece of an id, unless the id is known. */
  remember(id: number, piece: string): void {
    if (piece.length > SHORT) {
      this.#rememberLong(id, piece)
      return
    }
    const base = (id & (this.#sets - 1)) * WAYS
    for (let slot = base; slot < base + WAYS; slot++) {
      if (this.#pieces[slot] === undefined) {
        this.#ids[slot] = id
        this.#pieces[slot] = detach(piece)
        return
      }
      if (this.#ids[slot] === id) return
    }
    if (this.#sets < MOST_SETS) {
      this.#grow()
      this.remember(id, piece)
      return
    }
    const slot = base + (this.#victim++ & (WAYS - 1))
    this.#ids[slot] = id
    this.#pieces[slot] = detach(piece)
  }

  /** The piece of an id, or undefined when it was never seen or has left. */
  get(id: number): string | undefined {
    const base = (id & (this.#sets - 1)) * WAYS
    for (let slot = base; slot < base + WAYS; slot++) {
      if (this.#ids[slot] === id && this.#pieces[slot] !== undefined) return this.#pieces[slot]
    }
    return this.#long.get(id)
  }

  #grow(): void {
    const [ids, pieces] = [this.#ids, this.#pieces]
    this.#sets *= 4
    this.#ids = new Uint32Array(this.#sets * WAYS)
    this.#pieces = new Array<string | undefined>(this.#sets * WAYS).fill(undefined)
    for (const [slot, piece] of pieces.entries()) if (piece !== undefined) this.remember(ids[slot]!, piece)
  }

  #rememberLong(id: number, piece: string): void {
    if (this.#long.has(id) || piece.length > LONG_CHARACTERS) return
    this.#long.set(id, detach(piece))
    this.#longCharacters += piece.length
    for (const [oldest, held] of this.#long) {
      if (this.#longCharacters <= LONG_CHARACTERS) return
      this.#long.delete(oldest)
      this.#longCharacters -= held.length
    }
  }
}
