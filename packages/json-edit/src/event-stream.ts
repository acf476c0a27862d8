import type { Pieces } from './text.ts'

const lineFeed = 0x0a
const field = Buffer.from('data: ')
/** A line that is longer is passed as it is, bytes. */
const longestLine = 16 * 1024 * 1024

/**
 * Changes the data of server-sent events while they pass, line by line. Only lines that begin with `data: ` and contain a given
 * word are looked at; everything else leaves as it came. A line that is not complete waits for its end.
 */
export class EventStreamEditor {
  readonly #word: Buffer
  readonly #change: (data: Buffer) => Pieces | undefined
  /** The beginning of a line. */
  #held: Buffer[] = []
  #heldSize = 0
  #passing = false

  /**
   * @param word bytes that a line must contain, such as `"usage"`
   * @param change the new data, or undefined when it stays
   */
  constructor(word: string, change: (data: Buffer) => Pieces | undefined) {
    this.#word = Buffer.from(word)
    this.#change = change
  }

  /** Takes what arrived. @returns what may leave */
  push(chunk: Buffer): Pieces {
    const last = chunk.lastIndexOf(lineFeed)
    if (last < 0) return this.#unfinished(chunk)
    const out: Buffer[] = []
    let rest = chunk
    if (this.#heldSize > 0 || this.#passing) {
      const end = chunk.indexOf(lineFeed) + 1
      const first = chunk.subarray(0, end)
      if (this.#passing) out.push(first)
      else out.push(...this.#line(Buffer.concat([...this.#held, first])))
      this.#held = []
      this.#heldSize = 0
      this.#passing = false
      rest = chunk.subarray(end)
    }
    const complete = rest.subarray(0, rest.lastIndexOf(lineFeed) + 1)
    if (complete.includes(this.#word)) out.push(...this.#lines(complete))
    else if (complete.length > 0) out.push(complete)
    const begun = rest.subarray(complete.length)
    return begun.length > 0 ? [...out, ...this.#unfinished(begun)] : out
  }

  /** The stream is over. @returns the last line, when it had no end */
  end(): Pieces {
    const line = Buffer.concat(this.#held)
    this.#held = []
    this.#heldSize = 0
    return line.length > 0 ? this.#line(line) : []
  }

  #unfinished(chunk: Buffer): Pieces {
    if (this.#passing) return [chunk]
    this.#held.push(chunk)
    this.#heldSize += chunk.length
    if (this.#heldSize <= longestLine) return []
    const out = this.#held
    this.#held = []
    this.#heldSize = 0
    this.#passing = true
    return out
  }

  #lines(complete: Buffer): Buffer[] {
    const out: Buffer[] = []
    for (let from = 0; from < complete.length; ) {
      const end = complete.indexOf(lineFeed, from) + 1
      out.push(...this.#line(complete.subarray(from, end)))
      from = end
    }
    return out
  }

  #line(line: Buffer): Pieces {
    if (!line.subarray(0, field.length).equals(field) || !line.includes(this.#word)) return [line]
    let end = line.length
    while (end > 0 && (line[end - 1] === lineFeed || line[end - 1] === 0x0d)) end--
    const changed = this.#change(line.subarray(field.length, end))
    return changed === undefined ? [line] : [line.subarray(0, field.length), ...changed, line.subarray(end)]
  }
}
