/** The constant parts of a response's token frames, and their length together in UTF-8 bytes. */
export interface TokenFrame {
  readonly head: string
  readonly tail: string
  readonly bytes: number
}

export function tokenFrame(head: string, tail: string): TokenFrame {
  // Measuring makes the head one flat string. In pieces it would be put together again in each frame.
  const bytes = Buffer.byteLength(head) + Buffer.byteLength(tail)
  return { head, tail, bytes }
}
