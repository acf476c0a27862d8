/** Rows in order of their length, for choosing one of all rows whose length is in a range, each as likely as the others. */
export class LengthIndex {
  readonly #lengths: ArrayLike<number>
  /** At `i`: how many rows are as long as `lengths[i]` or shorter. */
  readonly #ends: ArrayLike<number>
  readonly #rowIds: ArrayLike<number>

  /**
   * @param groups the lengths that occur, ascending, in tokens, and how many rows have each
   * @param rowIds all rows in ascending order of length; four bytes each are kept where the ids allow it
   */
  constructor(groups: readonly { length: number; count: number }[], rowIds: readonly number[]) {
    this.#lengths = Float64Array.from(groups, group => group.length)
    let end = 0
    this.#ends = Float64Array.from(groups, group => (end += group.count))
    if (end !== rowIds.length) throw new RangeError(`${end} rows were counted, ${rowIds.length} were read`)
    this.#rowIds = rowIds.every(id => id >>> 0 === id) ? Uint32Array.from(rowIds) : Float64Array.from(rowIds)
  }

  /** Number of rows. */
  get size(): number {
    return this.#rowIds.length
  }

  /** How many rows have a length of at most `length`. Logarithmic. */
  countUpTo(length: number): number {
    let low = 0
    let high = this.#lengths.length
    while (low < high) {
      const middle = (low + high) >>> 1
      if (this.#lengths[middle]! <= length) low = middle + 1
      else high = middle
    }
    return low === 0 ? 0 : this.#ends[low - 1]!
  }

  /** The row at a position in the order of length, from 0. */
  rowAt(position: number): number {
    return this.#rowIds[position]!
  }
}
