/** The constant parts of a response's token frames, and their length together in UTF-8 bytes. */
export interface TokenFrame {
  readonly head: string
  readonly tail: string
  readonly bytes: number
}

export function tokenFrame(head: string, tail: string): TokenFrame {
  // Flattened once here; otherwise the string would be copied piece by piece into each frame.
  const flat = Buffer.from(head).toString()
  return { head: flat, tail, bytes: Buffer.byteLength(flat) + Buffer.byteLength(tail) }
}
