/** 32-bit FNV-1a, http://www.isthe.com/chongo/tech/comp/fnv/: offset basis and prime. */
export const FNV_OFFSET = 0x811c9dc5
export const FNV_PRIME = 0x01000193

/** 32-bit FNV-1a of the UTF-8 bytes of a well-formed string, unsigned. */
export function fnv1a32(text: string): number {
  return fnv1a32Range(text, 0, text.length, FNV_OFFSET) >>> 0
}

/**
 * Continues an FNV-1a hash over the UTF-8 bytes of `text[start..end)`, without making the bytes. The range must not cut a
 * surrogate pair.
 * @returns the running hash as a signed 32-bit integer; `>>> 0` makes it the id
 */
export function fnv1a32Range(text: string, start: number, end: number, hash: number): number {
  let running = hash
  for (let index = start; index < end; index++) {
    let code = text.charCodeAt(index)
    if (code < 0x80) {
      running = Math.imul(running ^ code, FNV_PRIME)
      continue
    }
    if (code < 0x800) {
      running = Math.imul(running ^ (0xc0 | (code >> 6)), FNV_PRIME)
    } else if (code >= 0xd800 && code < 0xdc00) {
      index++
      code = 0x10000 + ((code - 0xd800) << 10) + (text.charCodeAt(index) - 0xdc00)
      running = Math.imul(running ^ (0xf0 | (code >> 18)), FNV_PRIME)
      running = Math.imul(running ^ (0x80 | ((code >> 12) & 0x3f)), FNV_PRIME)
      running = Math.imul(running ^ (0x80 | ((code >> 6) & 0x3f)), FNV_PRIME)
    } else {
      running = Math.imul(running ^ (0xe0 | (code >> 12)), FNV_PRIME)
      running = Math.imul(running ^ (0x80 | ((code >> 6) & 0x3f)), FNV_PRIME)
    }
    running = Math.imul(running ^ (0x80 | (code & 0x3f)), FNV_PRIME)
  }
  return running
}
