import { hash } from 'node:crypto'

/** The namespace of URLs (RFC 9562, appendix A). */
const urlNamespace = '6ba7b8119dad11d180b400c04fd430c8'

/**
 * Request ids that depend on seed, port and a counter only: UUIDs of version 5, so a server that is started again with
 * the same seed gives the same ids.
 * @returns a function that gives the next id
 */
export function idSource(seed: number | bigint, port: number): () => string {
  const name = new CountedName(Buffer.from(urlNamespace, 'hex'), `${seed}-${port}-`)
  return () => uuid5(hash('sha1', name.next(), 'hex'))
}

/** Bytes that end in a decimal number, which counts up in its place: an id is made for every request. */
class CountedName {
  #bytes: Buffer
  readonly #digitsAt: number
  #started = false

  constructor(namespace: Buffer, start: string) {
    this.#bytes = Buffer.concat([namespace, Buffer.from(`${start}0`)])
    this.#digitsAt = this.#bytes.length - 1
  }

  /** The same bytes again with the next number, 0 for the first time. */
  next(): Buffer {
    if (this.#started) this.#count()
    this.#started = true
    return this.#bytes
  }

  #count(): void {
    const bytes = this.#bytes
    for (let at = bytes.length - 1; at >= this.#digitsAt; at--) {
      if (bytes[at] !== nine) {
        bytes[at]!++
        return
      }
      bytes[at] = zero
    }
    this.#bytes = Buffer.concat([bytes, Buffer.of(zero)])
    this.#bytes[this.#digitsAt] = zero + 1
  }
}

const zero = 0x30
const nine = 0x39

/** The first 16 bytes of a digest in hex, with version and variant in their places. */
function uuid5(hex: string): string {
  const code = hex.charCodeAt(16)
  // The two lowest bits of a hexadecimal digit; letters begin at 0x61.
  const variant = '89ab'[(code > nine ? code + 1 : code) & 3]
  return `${hex.slice(0, 8)}-${hex.slice(8, 12)}-5${hex.slice(13, 16)}-${variant}${hex.slice(17, 20)}-${hex.slice(20, 32)}`
}
