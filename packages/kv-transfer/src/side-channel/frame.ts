/** Longest message, bytes. Ids are at most `longestId` characters, so that none is longer by right. */
export const longestMessage = 4096

/** Bytes before a message that tell its length, big-endian. */
const prefix = 4

/** A message as it is sent: four bytes with its length, then JSON in UTF-8. */
export function frame(message: object): Buffer {
  const body = Buffer.from(JSON.stringify(message))
  const framed = Buffer.allocUnsafe(prefix + body.length)
  framed.writeUInt32BE(body.length, 0)
  body.copy(framed, prefix)
  return framed
}

/** Puts one message together from what a socket brings. */
export class FrameReader {
  #received: Buffer = Buffer.alloc(0)

  /**
   * @returns the message when it is complete, undefined before
   * @throws Error when this is none: too long, not a JSON object, or followed by more
   */
  push(chunk: Buffer): Readonly<Record<string, unknown>> | undefined {
    this.#received = this.#received.length === 0 ? chunk : Buffer.concat([this.#received, chunk])
    if (this.#received.length < prefix) return undefined
    const length = this.#received.readUInt32BE(0)
    const missing = prefix + length - this.#received.length
    if (length > longestMessage || missing < 0) throw new Error('not one message')
    if (missing > 0) return undefined
    const message: unknown = JSON.parse(this.#received.toString('utf8', prefix))
    if (typeof message !== 'object' || message === null || Array.isArray(message)) throw new Error('not an object')
    return message as Record<string, unknown>
  }
}
