const utf8 = new TextEncoder()

/**
 * Writes deterministic CBOR (RFC 8949, 4.2: shortest heads, definite lengths) into one buffer that is used again and
 * again. Only what block hashes need: unsigned and negative integers, byte and text strings, arrays, one-entry maps, nil.
 */
export class CborWriter {
  #bytes = new Uint8Array(1024)
  #length = 0

  /** What was written since `reset`; valid until the next write. */
  get bytes(): Uint8Array {
    return this.#bytes.subarray(0, this.#length)
  }

  /** The buffer itself, for loops that count up to `length`. */
  get buffer(): Uint8Array {
    return this.#bytes
  }

  /** Bytes written since `reset`. */
  get length(): number {
    return this.#length
  }

  reset(): this {
    this.#length = 0
    return this
  }

  nil(): this {
    this.#need(1)
    this.#bytes[this.#length++] = 0xf6
    return this
  }

  /** An integer; above 2^53 its nearest number. */
  int(value: number): this {
    return value < 0 ? this.#head(0x20, -1 - value) : this.#head(0, value)
  }

  /** An unsigned integer from its two 32-bit halves. */
  uint64(low: number, high: number): this {
    return high === 0 ? this.#head(0, low >>> 0) : this.#long(0, low, high)
  }

  /** Opens an array of `items` values; they follow. */
  array(items: number): this {
    return this.#head(0x80, items)
  }

  /** Opens a map of `entries` pairs; they follow. */
  map(entries: number): this {
    return this.#head(0xa0, entries)
  }

  /** A text string; half a surrogate pair becomes U+FFFD. */
  text(value: string): this {
    return this.#string(0x60, utf8.encode(value))
  }

  /** A byte string. */
  byteString(value: Uint8Array): this {
    return this.#string(0x40, value)
  }

  /** An array of the unsigned integers `values[from]` to `values[to - 1]`. */
  uints(values: ArrayLike<number>, from: number, to: number): this {
    this.array(to - from)
    this.#need((to - from) * 9)
    for (let i = from; i < to; i++) {
      const value = values[i]!
      if (value < 24) this.#bytes[this.#length++] = value
      else this.#head(0, value)
    }
    return this
  }

  #string(major: number, content: Uint8Array): this {
    this.#head(major, content.length)
    this.#need(content.length)
    this.#bytes.set(content, this.#length)
    this.#length += content.length
    return this
  }

  #head(major: number, n: number): this {
    this.#need(9)
    const bytes = this.#bytes
    if (n < 24) {
      bytes[this.#length++] = major | n
    } else if (n < 0x100) {
      bytes[this.#length++] = major | 24
      bytes[this.#length++] = n
    } else if (n < 0x10000) {
      bytes[this.#length++] = major | 25
      bytes[this.#length++] = n >>> 8
      bytes[this.#length++] = n
    } else if (n < 0x100000000) {
      bytes[this.#length++] = major | 26
      this.#word(n)
    } else {
      this.#long(major, n % 0x100000000, Math.floor(n / 0x100000000))
    }
    return this
  }

  #long(major: number, low: number, high: number): this {
    this.#need(9)
    this.#bytes[this.#length++] = major | 27
    this.#word(high)
    this.#word(low)
    return this
  }

  #word(n: number): void {
    const bytes = this.#bytes
    bytes[this.#length++] = n >>> 24
    bytes[this.#length++] = n >>> 16
    bytes[this.#length++] = n >>> 8
    bytes[this.#length++] = n
  }

  #need(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const grown = new Uint8Array(Math.max(this.#bytes.length * 2, this.#length + more))
    grown.set(this.#bytes)
    this.#bytes = grown
  }
}
