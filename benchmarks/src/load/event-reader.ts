/** What an `EventReader` found. */
export interface StreamEvents {
  /** A data frame. @param text it carries generated text, not only a role, a finish reason or usage */
  onChunk(text: boolean): void
  /** A data frame with an error object. */
  onError(message: string): void
  /** `data: [DONE]`. */
  onDone(): void
}

const lineFeed = 10
const space = 32
const quote = 34
const openBracket = 91
const data = Buffer.from('data:')
const errorStart = Buffer.from('{"error"')
/** Members of a chat or completion chunk that hold text. */
const members = [Buffer.from('content":'), Buffer.from('text":')]

/** Counts server-sent events in a body that arrives in pieces of any size. Looks at bytes only, because it is timed. */
export class EventReader {
  readonly #events: StreamEvents
  /** The begin of a line whose end has not arrived. */
  #line = Buffer.alloc(512)
  #length = 0

  constructor(events: StreamEvents) {
    this.#events = events
  }

  /** Takes bytes `from` to `to` (excluded). */
  feed(buffer: Buffer, from: number, to: number): void {
    let start = from
    for (let at = from; at < to; at++) {
      if (buffer[at] !== lineFeed) continue
      if (this.#length > 0) {
        this.#keep(buffer, start, at)
        this.#read(this.#line, 0, this.#length)
        this.#length = 0
      } else this.#read(buffer, start, at)
      start = at + 1
    }
    if (start < to) this.#keep(buffer, start, to)
  }

  #keep(buffer: Buffer, from: number, to: number): void {
    const length = this.#length + to - from
    if (length > this.#line.length) this.#line = Buffer.concat([this.#line], length * 2)
    buffer.copy(this.#line, this.#length, from, to)
    this.#length = length
  }

  #read(buffer: Buffer, from: number, to: number): void {
    if (!startsWith(buffer, from, to, data)) return
    let at = from + data.length
    while (at < to && buffer[at] === space) at++
    if (buffer[at] === openBracket) this.#events.onDone()
    else if (startsWith(buffer, at, to, errorStart)) this.#events.onError(buffer.toString('utf8', at, to))
    else this.#events.onChunk(hasText(buffer, at, to))
  }
}

function startsWith(buffer: Buffer, from: number, to: number, wanted: Buffer): boolean {
  if (to - from < wanted.length) return false
  for (let i = 0; i < wanted.length; i++) if (buffer[from + i] !== wanted[i]) return false
  return true
}

/** Whether a text member is there and is not empty. */
function hasText(buffer: Buffer, from: number, to: number): boolean {
  for (let at = from; at < to; at++) {
    if (buffer[at] !== quote) continue
    for (const member of members) {
      if (!startsWith(buffer, at + 1, to, member)) continue
      let value = at + 1 + member.length
      while (buffer[value] === space) value++
      if (buffer[value] === quote && buffer[value + 1] !== quote) return true
    }
  }
  return false
}
