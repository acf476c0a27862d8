/** A 64-bit hash as two unsigned 32-bit halves, so that hashing needs no BigInt. */
export interface Hash64 {
  low: number
  high: number
}

/**
 * FNV-1a, 64 bits (Fowler, Noll, Vo; http://www.isthe.com/chongo/tech/comp/fnv), of the first `length` bytes. Writes
 * into `out`.
 *
 * The prime is 2^40 + 0x1b3: modulo 2^64 the first term only moves the low half up by 8 bits into the high one. The
 * low half is multiplied in 16-bit pieces, which keeps everything inside 32-bit integers.
 */
export function fnv1a64(bytes: Uint8Array, length: number, out: Hash64): void {
  let low = 0x84222325 | 0
  let high = 0xcbf29ce4 | 0
  for (let i = 0; i < length; i++) {
    low ^= bytes[i]!
    const a = (low & 0xffff) * 0x1b3
    const b = (low >>> 16) * 0x1b3 + (a >>> 16)
    high = (Math.imul(high, 0x1b3) + (low << 8) + (b >>> 16)) | 0
    low = (b << 16) | (a & 0xffff)
  }
  out.low = low >>> 0
  out.high = high >>> 0
}
