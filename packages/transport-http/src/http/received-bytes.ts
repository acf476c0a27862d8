/** Bytes that there is room for at least, after the first piece. */
const least = 1024

/** What came of a body so far. Memory beyond the first piece is given back at once, not when the collector finds it. */
export class ReceivedBytes {
  size = 0
  /** The only piece, which belongs to the parser. */
  #first: Buffer | undefined
  #all: ArrayBuffer | undefined

  /** @param chunk has no bytes any more afterwards */
  add(chunk: Buffer): void {
    const { size } = this
    this.size += chunk.length
    if (size === 0) {
      this.#first = chunk
      return
    }
    // Copied: a piece of one byte may hold the whole block it came in.
    const room = this.#all?.byteLength ?? 0
    if (this.size > room) {
      // Room that nothing was put into yet takes no memory.
      const larger = Math.max(this.size, 2 * size, least)
      this.#all = this.#all ? this.#all.transfer(larger) : new ArrayBuffer(larger)
    }
    const bytes = Buffer.from(this.#all!)
    if (this.#first) move(this.#first, bytes, 0)
    this.#first = undefined
    move(chunk, bytes, size)
  }

  /** All of it as text; nothing is left. */
  take(): string {
    const text = this.#first
      ? this.#first.toString()
      : this.#all
        ? Buffer.from(this.#all).toString('utf8', 0, this.size)
        : ''
    this.free()
    return text
  }

  free(): void {
    this.#first = undefined
    // What a transfer leaves behind has no memory.
    this.#all?.transfer(0)
    this.#all = undefined
    this.size = 0
  }
}

/** Copies a piece that nobody else has, and gives its memory back where it is all of a block. */
function move(piece: Buffer, to: Buffer, at: number): void {
  piece.copy(to, at)
  const { buffer } = piece
  if (buffer instanceof ArrayBuffer && buffer.byteLength === piece.byteLength) buffer.transfer(0)
}
