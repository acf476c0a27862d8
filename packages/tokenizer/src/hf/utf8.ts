/**
 * GPT-2's byte table: which character stands for which byte in a byte-level vocabulary. Printable Latin-1 stands for itself,
 * the other 68 bytes take U+0100 and up in ascending order (`bytes_to_unicode` of the GPT-2 encoder).
 */
const BYTE_OF_CHARACTER = new Map<number, number>()
let next = 0x100
for (let byte = 0; byte < 256; byte++) {
  const printable = (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || byte >= 174
  BYTE_OF_CHARACTER.set(printable ? byte : next++, byte)
}

/** The bytes that a byte-level token stands for; its UTF-8 bytes if it has a character outside the table. */
export function byteLevelBytes(token: string): Uint8Array {
  const bytes = new Uint8Array(token.length)
  for (let index = 0; index < token.length; index++) {
    const byte = BYTE_OF_CHARACTER.get(token.charCodeAt(index))
    if (byte === undefined) return Buffer.from(token, 'utf8')
    bytes[index] = byte
  }
  return bytes
}

/**
 * How many bytes at the end are the beginning of a character whose rest may still come: 0 to 3. Bytes that cannot become a
 * character any more do not count.
 */
export function incompleteTail(bytes: Uint8Array): number {
  for (let have = 1; have <= Math.min(3, bytes.length); have++) {
    const lead = bytes[bytes.length - have]!
    if (lead >= 0x80 && lead < 0xc0) continue
    const need = lead < 0xc2 ? 0 : lead < 0xe0 ? 2 : lead < 0xf0 ? 3 : lead < 0xf5 ? 4 : 0
    if (have >= need) return 0
    return have === 1 || secondFits(lead, bytes[bytes.length - have + 1]!) ? have : 0
  }
  return 0
}

/** The second byte has a narrower range after four lead bytes (Unicode, table 3-7): no overlong forms, no surrogates. */
function secondFits(lead: number, second: number): boolean {
  if (lead === 0xe0) return second >= 0xa0
  if (lead === 0xed) return second < 0xa0
  if (lead === 0xf0) return second >= 0x90
  if (lead === 0xf4) return second < 0x90
  return true
}
