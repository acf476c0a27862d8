import { hash } from 'node:crypto'

/** The namespace of URLs (RFC 9562, appendix A). */
const urlNamespace = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex')

/**
 * Request ids that depend on seed, port and a counter only: UUIDs of version 5, so a server that is started again with
 * the same seed gives the same ids.
 * @returns a function that gives the next id
 */
export function idSource(seed: number | bigint, port: number): () => string {
  let counter = 0
  const start = `${seed}-${port}-`
  const block = new Uint8Array(64)
  block.set(urlNamespace)
  return () => {
    const name = start + counter++
    return name.length <= longestName ? uuid5(block, name) : uuidOf(hash('sha1', namespaced(name), 'buffer'))
  }
}

function namespaced(name: string): Buffer {
  return Buffer.concat([urlNamespace, Buffer.from(name)])
}

// An id is made for every request, and node:crypto takes a tenth of the time of a whole unary request for it. The message
// always fits one block, so SHA-1 (RFC 3174) is these few lines.

/** Characters that fit one block of SHA-1 beside the namespace, the end mark and the length. */
const longestName = 64 - 16 - 1 - 8

const schedule = new Int32Array(80)
const digest = new Uint8Array(20)

/** @param block 64 bytes that begin with the namespace; the rest is overwritten */
function uuid5(block: Uint8Array, name: string): string {
  const { length } = name
  for (let i = 0; i < length; i++) block[16 + i] = name.charCodeAt(i)
  block[16 + length] = 0x80
  block.fill(0, 17 + length, 62)
  const bits = (16 + length) * 8
  block[62] = bits >> 8
  block[63] = bits & 0xff
  sha1Block(block)
  return uuidOf(digest)
}

function sha1Block(block: Uint8Array): void {
  const w = schedule
  for (let i = 0; i < 16; i++) {
    const at = i * 4
    w[i] = (block[at]! << 24) | (block[at + 1]! << 16) | (block[at + 2]! << 8) | block[at + 3]!
  }
  for (let i = 16; i < 80; i++) {
    const x = w[i - 3]! ^ w[i - 8]! ^ w[i - 14]! ^ w[i - 16]!
    w[i] = (x << 1) | (x >>> 31)
  }
  let a = 0x67452301
  let b = 0xefcdab89 | 0
  let c = 0x98badcfe | 0
  let d = 0x10325476
  let e = 0xc3d2e1f0 | 0
  for (let i = 0; i < 80; i++) {
    let f: number
    if (i < 20) f = ((b & c) | (~b & d)) + 0x5a827999
    else if (i < 40) f = (b ^ c ^ d) + 0x6ed9eba1
    else if (i < 60) f = ((b & c) | (b & d) | (c & d)) + 0x8f1bbcdc
    else f = (b ^ c ^ d) + 0xca62c1d6
    const next = (((a << 5) | (a >>> 27)) + f + e + w[i]!) | 0
    e = d
    d = c
    c = (b << 30) | (b >>> 2)
    b = a
    a = next
  }
  store(0, a + 0x67452301)
  store(4, b + 0xefcdab89)
  store(8, c + 0x98badcfe)
  store(12, d + 0x10325476)
  store(16, e + 0xc3d2e1f0)
}

function store(at: number, word: number): void {
  digest[at] = word >>> 24
  digest[at + 1] = word >>> 16
  digest[at + 2] = word >>> 8
  digest[at + 3] = word
}

const hex = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, '0'))

/** The first 16 bytes of a digest, with version and variant in their places. */
function uuidOf(bytes: Uint8Array): string {
  const h = hex
  const version = h[(bytes[6]! & 0x0f) | 0x50]!
  const variant = h[(bytes[8]! & 0x3f) | 0x80]!
  return (
    `${h[bytes[0]!]}${h[bytes[1]!]}${h[bytes[2]!]}${h[bytes[3]!]}-${h[bytes[4]!]}${h[bytes[5]!]}-` +
    `${version}${h[bytes[7]!]}-${variant}${h[bytes[9]!]}-` +
    `${h[bytes[10]!]}${h[bytes[11]!]}${h[bytes[12]!]}${h[bytes[13]!]}${h[bytes[14]!]}${h[bytes[15]!]}`
  )
}
