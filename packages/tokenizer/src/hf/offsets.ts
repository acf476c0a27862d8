/**
 * Start and end of each token in a text, in UTF-16 units. A token that begins or ends within a character has the whole
 * character's range, as in HuggingFace's offsets.
 * @param byteLengths UTF-8 bytes that each token covers; their sum is that of the text
 */
export function tokenOffsets(text: string, byteLengths: readonly number[]): [start: number, end: number][] {
  const offsets: [number, number][] = []
  let byte = 0
  let unit = 0
  // Advances to the character that holds byte `target`, or to the one that ends at or after it.
  const advance = (target: number, inclusive: boolean) => {
    while (unit < text.length) {
      const code = text.codePointAt(unit)!
      const size = code < 0x80 ? 1 : code < 0x800 ? 2 : code < 0x10000 ? 3 : 4
      if (inclusive ? byte >= target : byte + size > target) return
      byte += size
      unit += code < 0x10000 ? 1 : 2
    }
  }
  let begin = 0
  for (const length of byteLengths) {
    const end = begin + length
    advance(begin, false)
    const start = unit
    const saved = [byte, unit] as const
    advance(end, true)
    offsets.push([start, unit])
    // The next token may begin inside the character that this one ended with.
    if (byte > end) [byte, unit] = rewind(text, byte, unit)
    else if (unit === start) [byte, unit] = saved
    begin = end
  }
  return offsets
}

function rewind(text: string, byte: number, unit: number): [byte: number, unit: number] {
  const low = text.charCodeAt(unit - 1)
  if (low >= 0xdc00 && low < 0xe000) return [byte - 4, unit - 2]
  return [byte - (low < 0x800 ? 2 : 3), unit - 1]
}
