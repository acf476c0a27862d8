/** Before each message: one byte of flags and the length, big-endian (gRPC over HTTP/2, "Length-Prefixed-Message"). */
export const prefixLength = 5

/** The message of a request is compressed. */
const compressed = 1

/** Writes the prefix of an uncompressed message. @returns the position behind it */
export function writePrefix(target: Uint8Array, at: number, length: number): number {
  target[at] = 0
  target[at + 1] = length >>> 24
  target[at + 2] = (length >>> 16) & 0xff
  target[at + 3] = (length >>> 8) & 0xff
  target[at + 4] = length & 0xff
  return at + prefixLength
}

/** A message with its prefix. */
export function frame(message: Uint8Array): Uint8Array {
  const bytes = new Uint8Array(prefixLength + message.length)
  bytes.set(message, writePrefix(bytes, 0, message.length))
  return bytes
}

/** The messages of one or more frames. @param bytes whole frames, uncompressed */
export function* messagesOf(bytes: Uint8Array): Generator<Uint8Array> {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  for (let at = 0; at < bytes.length; ) {
    const end = at + prefixLength + view.getUint32(at + 1)
    yield bytes.subarray(at + prefixLength, end)
    at = end
  }
}

/** Why the bytes of a request are not one message. */
export type FrameProblem = 'compressed' | 'too large' | 'incomplete' | 'more than one message'

/** Collects the only message of a unary or server-streaming request, as its bytes arrive. */
export class MessageReader {
  readonly #maxBytes: number
  #bytes: Buffer = Buffer.alloc(0)
  #filled = 0
  #length = -1

  /** @param maxBytes largest message in bytes */
  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  /** Length of the message as its prefix tells, bytes; -1 as long as that is not known. */
  get length(): number {
    return this.#length
  }

  /** Whether all of the message has arrived. */
  get complete(): boolean {
    return this.#length >= 0 && this.#filled >= prefixLength + this.#length
  }

  /** Forgets what has arrived. */
  drop(): void {
    this.#bytes = Buffer.alloc(0)
  }

  /** Takes what arrived. @returns what is wrong with it; nothing more is read then */
  push(chunk: Buffer): FrameProblem | undefined {
    this.#append(chunk)
    if (this.#length < 0 && this.#filled >= prefixLength) {
      if (this.#bytes[0] === compressed) return 'compressed'
      this.#length = this.#bytes.readUInt32BE(1)
      if (this.#length > this.#maxBytes) return 'too large'
    }
    if (this.#length >= 0 && this.#filled > prefixLength + this.#length) return 'more than one message'
    return undefined
  }

  /** The message, when all has arrived. */
  end(): Buffer | FrameProblem {
    if (!this.complete) return 'incomplete'
    return this.#bytes.subarray(prefixLength, this.#filled)
  }

  /** Grows by doubling, so that what a client sends byte by byte is not copied each time. */
  #append(chunk: Buffer): void {
    const needed = this.#filled + chunk.length
    if (this.#filled === 0) this.#bytes = chunk
    else {
      if (needed > this.#bytes.length) {
        const larger = Buffer.allocUnsafe(Math.max(needed, 2 * this.#filled, 1024))
        this.#bytes.copy(larger, 0, 0, this.#filled)
        this.#bytes = larger
      }
      chunk.copy(this.#bytes, this.#filled)
    }
    this.#filled = needed
  }
}
