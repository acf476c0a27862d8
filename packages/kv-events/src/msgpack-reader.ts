/** The bytes are not what they should be; the message says where and why. */
export class DecodeError extends Error {
  override readonly name = 'DecodeError'
}

/** A msgpack value. Integers beyond 2^53 are bigints; an extension type is its bytes. */
export type MsgpackValue =
  | null
  | boolean
  | number
  | bigint
  | string
  | Buffer
  | MsgpackValue[]
  | Map<MsgpackValue, MsgpackValue>

/** Deeper nesting than this is refused, so that no message can exhaust the stack. */
const deepest = 64

/**
 * Reads one msgpack value that fills `bytes`.
 * @throws DecodeError when bytes are missing, left over, or of an unknown type
 */
export function decodeMsgpack(bytes: Buffer): MsgpackValue {
  const reader = new Reader(bytes)
  const value = reader.value(0)
  if (reader.at < bytes.length) throw new DecodeError(`${bytes.length - reader.at} bytes left over at ${reader.at}`)
  return value
}

class Reader {
  readonly #bytes: Buffer
  at = 0

  constructor(bytes: Buffer) {
    this.#bytes = bytes
  }

  value(depth: number): MsgpackValue {
    if (depth > deepest) throw new DecodeError(`nested deeper than ${deepest} at ${this.at}`)
    const tag = this.#bytes[this.#skip(1)]!
    if (tag < 0x80) return tag
    if (tag < 0x90) return this.#map(tag & 0x0f, depth)
    if (tag < 0xa0) return this.#array(tag & 0x0f, depth)
    if (tag < 0xc0) return this.#text(tag & 0x1f)
    if (tag >= 0xe0) return tag - 0x100
    switch (tag) {
      case 0xc0:
        return null
      case 0xc2:
        return false
      case 0xc3:
        return true
      case 0xc4:
      case 0xc5:
      case 0xc6:
        return this.#take(this.#uint(1 << (tag - 0xc4)))
      case 0xc7:
      case 0xc8:
      case 0xc9:
        return this.#extension(this.#uint(1 << (tag - 0xc7)))
      case 0xca:
        return this.#bytes.readFloatBE(this.#skip(4))
      case 0xcb:
        return this.#bytes.readDoubleBE(this.#skip(8))
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#uint(1 << (tag - 0xcc))
      case 0xcf:
        return this.#uint64(this.#skip(8))
      case 0xd0:
      case 0xd1:
      case 0xd2: {
        const width = 1 << (tag - 0xd0)
        return this.#bytes.readIntBE(this.#skip(width), width)
      }
      case 0xd3:
        return narrow(this.#bytes.readBigInt64BE(this.#skip(8)))
      case 0xd4:
      case 0xd5:
      case 0xd6:
      case 0xd7:
      case 0xd8:
        return this.#extension(1 << (tag - 0xd4))
      case 0xd9:
      case 0xda:
      case 0xdb:
        return this.#text(this.#uint(1 << (tag - 0xd9)))
      case 0xdc:
      case 0xdd:
        return this.#array(this.#uint(2 << (tag - 0xdc)), depth)
      case 0xde:
      case 0xdf:
        return this.#map(this.#uint(2 << (tag - 0xde)), depth)
      default:
        throw new DecodeError(`unknown type 0x${tag.toString(16)} at ${this.at - 1}`)
    }
  }

  // Lists grow as they are read: a length that the bytes do not hold up must not cost memory.
  #array(items: number, depth: number): MsgpackValue[] {
    const list: MsgpackValue[] = []
    for (let i = 0; i < items; i++) list.push(this.value(depth + 1))
    return list
  }

  #map(entries: number, depth: number): Map<MsgpackValue, MsgpackValue> {
    const map = new Map<MsgpackValue, MsgpackValue>()
    for (let i = 0; i < entries; i++) {
      const key = this.value(depth + 1)
      map.set(key, this.value(depth + 1))
    }
    return map
  }

  #uint64(at: number): number | bigint {
    const high = this.#bytes.readUInt32BE(at)
    return high < 0x20_0000 ? high * 2 ** 32 + this.#bytes.readUInt32BE(at + 4) : this.#bytes.readBigUInt64BE(at)
  }

  #text(size: number): string {
    const start = this.#skip(size)
    return this.#bytes.toString('utf8', start, this.at)
  }

  #extension(size: number): Buffer {
    this.#skip(1)
    return this.#take(size)
  }

  #uint(width: number): number {
    const at = this.#skip(width)
    const bytes = this.#bytes
    let value = bytes[at]!
    for (let i = 1; i < width; i++) value = value * 0x100 + bytes[at + i]!
    return value
  }

  #take(size: number): Buffer {
    const start = this.#skip(size)
    return this.#bytes.subarray(start, this.at)
  }

  /** Goes on by `size` bytes. @returns where they begin */
  #skip(size: number): number {
    const start = this.at
    const there = this.#bytes.length - start
    if (size > there) throw new DecodeError(`${size} bytes expected at ${start}, ${there} there`)
    this.at = start + size
    return start
  }
}

function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
