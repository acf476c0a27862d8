import { type Framing, ProtocolError, parseHeaders } from './head.ts'

/** Takes a body while it arrives. */
export interface BodySink {
  /** A piece: content, or bytes as they are on the wire when `raw`. @returns false: no more until `resume` */
  data(piece: Buffer): boolean
  /** Read raw: the last pieces wait to be written, so their memory must not be used for others. */
  readonly holds: boolean
  /** The body is complete. */
  end(trailers: readonly string[]): void
  /** It will not be complete. */
  failed(error: Error): void
}

/** Bytes of a line with the size of a chunk, its extensions included. */
const longestSizeLine = 4096
const mostTrailers = 64 * 1024

const size = 0
const content = 1
const contentEnd = 2
const trailers = 3

/**
 * Checks the framing of a body and hands its pieces on. With `raw`, the frames of chunked bodies are handed on too, up to the last
 * one, which stays out: whoever ends the answer writes it.
 */
export class BodyReader {
  readonly #kind: Framing['kind']
  readonly #raw: boolean
  readonly #sink: BodySink
  /** Bytes of the body, or of the chunk, that are still to come. */
  #left: number
  #state = size
  /** An incomplete line. */
  #line = ''
  done = false

  constructor(framing: Framing, raw: boolean, sink: BodySink) {
    this.#kind = framing.kind
    this.#left = framing.kind === 'length' ? framing.length : 0
    this.#raw = raw
    this.#sink = sink
    if (framing.kind === 'none') this.#end([])
  }

  /**
   * Takes bytes. @returns whether more may come at once
   * @throws ProtocolError when they are no chunks, or when there are too many
   */
  push(bytes: Buffer): boolean {
    if (this.done) throw new ProtocolError('more bytes than the HTTP response says')
    switch (this.#kind) {
      case 'chunked':
        return this.#chunks(bytes)
      case 'length': {
        if (bytes.length > this.#left) throw new ProtocolError('more bytes than the HTTP response says')
        this.#left -= bytes.length
        const more = this.#sink.data(bytes)
        if (this.#left === 0) this.#end([])
        return more
      }
      default:
        return this.#sink.data(bytes)
    }
  }

  /** No more bytes will come. @returns whether the body is complete */
  finish(): boolean {
    if (!this.done && this.#kind === 'close') this.#end([])
    return this.done
  }

  #chunks(bytes: Buffer): boolean {
    let more = true
    // Where the bytes that can be handed on as they are begin; -1: at none.
    let from = this.#state === size || this.#state === trailers ? -1 : 0
    const hand = (to: number): void => {
      if (from >= 0 && to > from) more = this.#sink.data(bytes.subarray(from, to)) && more
      from = -1
    }
    for (let at = 0; at < bytes.length; ) {
      switch (this.#state) {
        case content: {
          const next = Math.min(bytes.length, at + this.#left)
          if (!this.#raw) {
            from = at
            hand(next)
          }
          this.#left -= next - at
          at = next
          if (this.#left === 0) {
            this.#state = contentEnd
            this.#left = 2
          }
          break
        }
        case contentEnd: {
          if (bytes[at] !== (this.#left === 2 ? 0x0d : 0x0a)) throw new ProtocolError('malformed chunk')
          at++
          if (--this.#left === 0) this.#state = size
          break
        }
        case size: {
          const start = this.#line === '' ? plainSize(bytes, at) : undefined
          if (start) {
            if (this.#raw && from < 0) from = at
            this.#left = start.length
            this.#state = content
            at = start.content
            break
          }
          const end = bytes.indexOf(0x0a, at)
          const line = this.#line + bytes.toString('latin1', at, end < 0 ? bytes.length : end + 1)
          if (line.length > longestSizeLine)
            throw new ProtocolError('malformed chunk: the line with its size is too long')
          if (end < 0) {
            if (this.#raw) hand(at)
            this.#line = line
            return more
          }
          const length = sizeOf(line)
          if (length === 0) {
            if (this.#raw) hand(at)
            this.#line = ''
            this.#state = trailers
          } else {
            if (this.#raw && this.#line !== '') more = this.#sink.data(Buffer.from(line, 'latin1')) && more
            if (this.#raw && from < 0) from = this.#line !== '' ? end + 1 : at
            this.#line = ''
            this.#left = length
            this.#state = content
          }
          at = end + 1
          break
        }
        default: {
          this.#line += bytes.toString('latin1', at)
          if (this.#line.length > mostTrailers) throw new ProtocolError('too many trailers')
          at = bytes.length
          const end = this.#line.startsWith('\r\n') ? 0 : this.#line.indexOf('\r\n\r\n') + 2
          if (end === 1) break
          if (this.#line.length > end + 2) throw new ProtocolError('more bytes than the HTTP response says')
          this.#end(parseHeaders(this.#line.slice(0, end).split('\r\n')))
          return more
        }
      }
    }
    if (this.#raw) hand(bytes.length)
    return more
  }

  #end(found: readonly string[]): void {
    this.done = true
    this.#sink.end(found)
  }
}

/** Where the content of a chunk begins, and its length. One object for all: it is read at once. */
const found = { content: 0, length: 0 }

/** Digits of a size that is read without making a text of it: no chunk of 4 GiB is met. */
const plainDigits = 8

/** Reads a whole line that is nothing but a size above 0, as almost all are; undefined for any other. */
function plainSize(bytes: Buffer, at: number): typeof found | undefined {
  let length = 0
  let next = at
  for (; next < at + plainDigits; next++) {
    const value = digit(bytes[next]!)
    if (value < 0) break
    length = length * 16 + value
  }
  if (length === 0 || bytes[next] !== 0x0d || bytes[next + 1] !== 0x0a) return undefined
  found.content = next + 2
  found.length = length
  return found
}

/** The value of a hexadecimal digit; -1 for any other byte, and for none. */
function digit(byte: number): number {
  if (byte >= 0x30 && byte <= 0x39) return byte - 0x30
  const lower = byte | 0x20
  return lower >= 0x61 && lower <= 0x66 ? lower - 0x57 : -1
}

function sizeOf(line: string): number {
  const match = /^([\dA-Fa-f]{1,12})[ \t]*(?:;[^\r\n]*)?\r\n$/.exec(line)
  if (match === null) throw new ProtocolError('malformed chunk: bad size')
  return Number.parseInt(match[1]!, 16)
}
