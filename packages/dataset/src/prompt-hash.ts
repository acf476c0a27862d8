import { hash } from 'node:crypto'
import { endianness } from 'node:os'

const bigEndian = endianness() === 'BE'

/**
 * The key of a prompt in a dataset: SHA-256 over its token ids, each as four little-endian bytes, and nothing else. Equal to
 * the reference simulator's, so its files match.
 *
 * @param ids unsigned 32-bit token ids
 * @returns 32 bytes
 */
export function promptHash(ids: ArrayLike<number>): Buffer {
  const words = ids instanceof Uint32Array && !bigEndian ? ids : Uint32Array.from(ids)
  const bytes = Buffer.from(words.buffer, words.byteOffset, words.byteLength)
  if (bigEndian) bytes.swap32()
  return hash('sha256', bytes, 'buffer')
}
