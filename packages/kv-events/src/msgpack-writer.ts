const float = new DataView(new ArrayBuffer(8))

/**
 * Writes msgpack (https://github.com/msgpack/msgpack/blob/master/spec.md). The reader of KV events is particular about
 * the width of some numbers, so the caller chooses it: `int` takes the shortest form, `uint32`, `uint64` and `float64`
 * always theirs.
 */
export class MsgpackWriter {
  #bytes = Buffer.allocUnsafe(1024)
  #length = 0

  /** A copy of what was written; the writer can go on or `reset`. */
  take(): Buffer {
    return Buffer.from(this.#bytes.subarray(0, this.#length))
  }

  reset(): this {
    this.#length = 0
    return this
  }

  nil(): this {
    this.#need(1)
    this.#bytes[this.#length++] = 0xc0
    return this
  }

  /** A safe integer in its shortest form. */
  int(value: number): this {
    this.#need(9)
    if (value >= 0) {
      if (value < 0x80) this.#bytes[this.#length++] = value
      else if (value < 0x100) this.#tagged(0xcc, 1, value)
      else if (value < 0x10000) this.#tagged(0xcd, 2, value)
      else if (value < 0x100000000) this.#tagged(0xce, 4, value)
      else this.uint64(BigInt(value))
    } else if (value >= -0x20) this.#bytes[this.#length++] = 0x100 + value
    else if (value >= -0x80) this.#tagged(0xd0, 1, value + 0x100)
    else if (value >= -0x8000) this.#tagged(0xd1, 2, value + 0x10000)
    else if (value >= -0x80000000) this.#tagged(0xd2, 4, value + 0x100000000)
    else {
      this.#bytes[this.#length] = 0xd3
      this.#bytes.writeBigInt64BE(BigInt(value), this.#length + 1)
      this.#length += 9
    }
    return this
  }

  /** Unsigned, always 5 bytes. */
  uint32(value: number): this {
    this.#need(5)
    return this.#tagged(0xce, 4, value)
  }

  /** Unsigned, always 9 bytes. */
  uint64(value: bigint): this {
    this.#need(9)
    this.#bytes[this.#length] = 0xcf
    this.#bytes.writeBigUInt64BE(value, this.#length + 1)
    this.#length += 9
    return this
  }

  /** Always 9 bytes. */
  float64(value: number): this {
    this.#need(9)
    float.setFloat64(0, value)
    this.#bytes[this.#length++] = 0xcb
    for (let i = 0; i < 8; i++) this.#bytes[this.#length++] = float.getUint8(i)
    return this
  }

  text(value: string): this {
    const size = Buffer.byteLength(value)
    this.#need(size + 5)
    if (size < 0x20) this.#bytes[this.#length++] = 0xa0 | size
    else if (size < 0x100) this.#tagged(0xd9, 1, size)
    else if (size < 0x10000) this.#tagged(0xda, 2, size)
    else this.#tagged(0xdb, 4, size)
    this.#length += this.#bytes.write(value, this.#length)
    return this
  }

  /** Opens an array of `items` values; they follow. */
  array(items: number): this {
    this.#need(5)
    if (items < 0x10) this.#bytes[this.#length++] = 0x90 | items
    else if (items < 0x10000) this.#tagged(0xdc, 2, items)
    else this.#tagged(0xdd, 4, items)
    return this
  }

  /** Opens a map of `entries` pairs; they follow. */
  map(entries: number): this {
    this.#need(5)
    if (entries < 0x10) this.#bytes[this.#length++] = 0x80 | entries
    else if (entries < 0x10000) this.#tagged(0xde, 2, entries)
    else this.#tagged(0xdf, 4, entries)
    return this
  }

  #tagged(tag: number, width: number, value: number): this {
    const bytes = this.#bytes
    bytes[this.#length++] = tag
    for (let shift = 8 * (width - 1); shift >= 0; shift -= 8) bytes[this.#length++] = value >>> shift
    return this
  }

  #need(more: number): void {
    if (this.#length + more <= this.#bytes.length) return
    const grown = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + more))
    this.#bytes.copy(grown, 0, 0, this.#length)
    this.#bytes = grown
  }
}
