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
    const tag = this.#uint(1)
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
        return this.#take(4).readFloatBE()
      case 0xcb:
        return this.#take(8).readDoubleBE()
      case 0xcc:
      case 0xcd:
      case 0xce:
        return this.#uint(1 << (tag - 0xcc))
      case 0xcf:
        return narrow(this.#take(8).readBigUInt64BE())
      case 0xd0:
      case 0xd1:
      case 0xd2: {
        const width = 1 << (tag - 0xd0)
        return this.#take(width).readIntBE(0, width)
      }
      case 0xd3:
        return narrow(this.#take(8).readBigInt64BE())
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

  #text(size: number): string {
    return this.#take(size).toString('utf8')
  }

  #extension(size: number): Buffer {
    this.#take(1)
    return this.#take(size)
  }

  #uint(width: number): number {
    return this.#take(width).readUIntBE(0, width)
  }

  #take(size: number): Buffer {
    const end = this.at + size
    if (end > this.#bytes.length)
      throw new DecodeError(`${size} bytes expected at ${this.at}, ${this.#bytes.length - this.at} there`)
    const part = this.#bytes.subarray(this.at, end)
    this.at = end
    return part
  }
}

function narrow(value: bigint): number | bigint {
  const number = Number(value)
  return Number.isSafeInteger(number) ? number : value
}
