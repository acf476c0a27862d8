/** The cached blocks of one model, those that nobody uses in order of release. */
export class ModelBlocks {
  readonly name: string
  /** Blocks of this model, used or not. */
  count = 0
  /** Longest unused block's slot, -1 when all are in use; `last` the latest released. */
  first = -1
  last = -1

  constructor(name: string) {
    this.name = name
  }
}

const initialSlots = 64
const none = -1

/**
 * The records of cached blocks in parallel typed arrays, about 50 bytes a block, growing with the number of blocks that
 * are cached and not with the size of the pool. A block is a slot number. All operations take constant (amortised) time.
 */
export class BlockTable {
  #low = new Uint32Array(initialSlots)
  #high = new Uint32Array(initialSlots)
  #references = new Uint32Array(initialSlots)
  /** Neighbours in the list of unused blocks of the model. */
  #previous = new Int32Array(initialSlots)
  #next = new Int32Array(initialSlots)
  #released = new Float64Array(initialSlots)
  #model: (ModelBlocks | undefined)[] = []
  /** Hash table: first slot of a bucket, then along the chain. */
  #buckets = new Int32Array(initialSlots).fill(none)
  #chain = new Int32Array(initialSlots)
  /** Slots ever used, and those of them that are empty, chained through `next`. */
  #used = 0
  #vacant = none
  #size = 0
  #clock = 0

  /** Number of blocks. */
  get size(): number {
    return this.#size
  }

  /** Slot of a model's block, -1 when it is not cached. */
  find(low: number, high: number, model: ModelBlocks): number {
    let slot = this.#buckets[this.#bucket(low, high)]!
    while (slot !== none && !(this.#low[slot] === low && this.#high[slot] === high && this.#model[slot] === model))
      slot = this.#chain[slot]!
    return slot
  }

  /** Adds a block with one reference. It must not be there. */
  add(low: number, high: number, model: ModelBlocks): number {
    let slot = this.#vacant
    if (slot === none) {
      if (this.#used === this.#low.length) this.#grow()
      slot = this.#used++
    } else this.#vacant = this.#next[slot]!
    this.#low[slot] = low
    this.#high[slot] = high
    this.#references[slot] = 1
    this.#model[slot] = model
    const bucket = this.#bucket(low, high)
    this.#chain[slot] = this.#buckets[bucket]!
    this.#buckets[bucket] = slot
    model.count++
    this.#size++
    return slot
  }

  /** Takes out a block that nobody uses. */
  remove(slot: number): void {
    this.#unlink(slot)
    const bucket = this.#bucket(this.#low[slot]!, this.#high[slot]!)
    let before = none
    for (let at = this.#buckets[bucket]!; at !== slot; at = this.#chain[at]!) before = at
    if (before === none) this.#buckets[bucket] = this.#chain[slot]!
    else this.#chain[before] = this.#chain[slot]!
    this.#model[slot]!.count--
    this.#model[slot] = undefined
    this.#next[slot] = this.#vacant
    this.#vacant = slot
    this.#size--
  }

  references(slot: number): number {
    return this.#references[slot]!
  }

  model(slot: number): ModelBlocks {
    return this.#model[slot]!
  }

  hash(slot: number): bigint {
    return (BigInt(this.#high[slot]!) << 32n) | BigInt(this.#low[slot]!)
  }

  /** Counts of releases at the time this unused block was released: smaller means unused for longer. */
  releasedAt(slot: number): number {
    return this.#released[slot]!
  }

  /** One more user. @returns true when it is the first */
  retain(slot: number): boolean {
    if (this.#references[slot]!++ > 0) return false
    this.#unlink(slot)
    return true
  }

  /** One user less. @returns true when it was the last: the block is now the latest of its model's unused ones */
  release(slot: number): boolean {
    if (--this.#references[slot]! > 0) return false
    const model = this.#model[slot]!
    this.#released[slot] = this.#clock++
    this.#previous[slot] = model.last
    this.#next[slot] = none
    if (model.last === none) model.first = slot
    else this.#next[model.last] = slot
    model.last = slot
    return true
  }

  /** All slots that hold a block, in no particular order. */
  *slots(): Generator<number> {
    for (let slot = 0; slot < this.#used; slot++) if (this.#model[slot]) yield slot
  }

  #unlink(slot: number): void {
    const model = this.#model[slot]!
    const previous = this.#previous[slot]!
    const next = this.#next[slot]!
    if (previous === none) model.first = next
    else this.#next[previous] = next
    if (next === none) model.last = previous
    else this.#previous[next] = previous
  }

  #bucket(low: number, high: number): number {
    return (low ^ high) & (this.#buckets.length - 1)
  }

  #grow(): void {
    const slots = this.#low.length * 2
    this.#low = grown(this.#low, new Uint32Array(slots))
    this.#high = grown(this.#high, new Uint32Array(slots))
    this.#references = grown(this.#references, new Uint32Array(slots))
    this.#previous = grown(this.#previous, new Int32Array(slots))
    this.#next = grown(this.#next, new Int32Array(slots))
    this.#released = grown(this.#released, new Float64Array(slots))
    this.#chain = new Int32Array(slots)
    this.#buckets = new Int32Array(slots).fill(none)
    for (let slot = 0; slot < this.#used; slot++) {
      const bucket = this.#bucket(this.#low[slot]!, this.#high[slot]!)
      this.#chain[slot] = this.#buckets[bucket]!
      this.#buckets[bucket] = slot
    }
  }
}

function grown<T extends Uint32Array | Int32Array | Float64Array>(from: T, to: T): T {
  to.set(from)
  return to
}
