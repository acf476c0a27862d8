/** What a `ResponseReader` found, in order. */
export interface ResponseEvents {
  /** The status line and headers are complete. */
  onHead(status: number): void
  /** Bytes `from` to `to` (excluded) of `buffer` belong to the body. Only valid during the call. */
  onBody(buffer: Buffer, from: number, to: number): void
  /** The answer is complete. @param reusable another request may follow on this connection */
  onEnd(reusable: boolean): void
  /** What came is not HTTP. */
  onMalformed(problem: string): void
}

const part = { head: 0, counted: 1, size: 2, data: 3, dataEnd: 4, trailer: 5, untilClose: 6, broken: 7 } as const
const lineFeed = 10

/**
 * Reads HTTP/1.1 answers from a connection as they arrive, in pieces of any size. Just enough of the protocol to judge a
 * server: status, Content-Length, chunked bodies, trailers, interim answers, Connection: close.
 */
export class ResponseReader {
  readonly #events: ResponseEvents
  #part: number = part.head
  /** Head, chunk-size line or trailer line so far. */
  #text = ''
  #left = 0
  #reusable = true

  constructor(events: ResponseEvents) {
    this.#events = events
  }

  /** Takes the first `length` bytes of `buffer`. */
  feed(buffer: Buffer, length: number): void {
    let at = 0
    while (at < length) {
      switch (this.#part) {
        case part.head:
          at = this.#head(buffer, at, length)
          break
        case part.counted:
        case part.data: {
          const to = Math.min(length, at + this.#left)
          this.#events.onBody(buffer, at, to)
          this.#left -= to - at
          at = to
          if (this.#left > 0) break
          if (this.#part === part.counted) this.#end()
          else this.#part = part.dataEnd
          break
        }
        case part.size:
        case part.dataEnd:
        case part.trailer:
          at = this.#line(buffer, at, length)
          break
        case part.untilClose:
          this.#events.onBody(buffer, at, length)
          return
        default:
          return
      }
    }
  }

  /** The connection ended. @returns whether an answer without length is complete by that */
  close(): boolean {
    if (this.#part !== part.untilClose) return false
    this.#reusable = false
    this.#end()
    return true
  }

  #head(buffer: Buffer, from: number, length: number): number {
    const before = this.#text.length
    this.#text += buffer.toString('latin1', from, length)
    const end = this.#text.indexOf('\r\n\r\n', Math.max(0, before - 3))
    if (end < 0) return length
    const head = this.#text.slice(0, end + 2).toLowerCase()
    this.#text = ''
    const next = from + end + 4 - before
    if (!/^http\/1\.[01] \d{3}/.test(head)) return this.#malformed('no status line', length)
    const status = Number(head.slice(9, 12))
    if (status < 200) return next
    this.#events.onHead(status)
    this.#reusable = !/\r\nconnection:\s*close\r\n/.test(head)
    const counted = /\r\ncontent-length:\s*(\d+)\r\n/.exec(head)
    if (/\r\ntransfer-encoding:[^\r]*chunked/.test(head)) this.#part = part.size
    else if (counted || status === 204 || status === 304) {
      this.#left = Number(counted?.[1] ?? 0)
      this.#part = part.counted
      if (this.#left === 0) this.#end()
    } else this.#part = part.untilClose
    return next
  }

  #line(buffer: Buffer, from: number, length: number): number {
    const end = buffer.indexOf(lineFeed, from)
    if (end < 0 || end >= length) {
      this.#text += buffer.toString('latin1', from, length)
      return length
    }
    const line = this.#text + buffer.toString('latin1', from, end)
    this.#text = ''
    if (this.#part === part.size) {
      const size = Number.parseInt(line, 16)
      if (!(size >= 0)) return this.#malformed(`bad chunk size ${JSON.stringify(line.slice(0, 20))}`, length)
      this.#left = size
      this.#part = size === 0 ? part.trailer : part.data
    } else if (this.#part === part.dataEnd) {
      if (line.trim() !== '') return this.#malformed('a chunk is longer than it says', length)
      this.#part = part.size
    } else if (line.trim() === '') this.#end()
    return end + 1
  }

  #end(): void {
    this.#part = part.head
    this.#events.onEnd(this.#reusable)
  }

  #malformed(problem: string, length: number): number {
    this.#part = part.broken
    this.#events.onMalformed(problem)
    return length
  }
}
