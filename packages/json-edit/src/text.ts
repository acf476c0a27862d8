/** JSON as text: what is written into a text, as it is. */
export type JsonBytes = Uint8Array | string

/** A text in pieces, to be sent one after the other. Unchanged pieces share the memory of the text they come from. */
export type Pieces = readonly Buffer[]

/** A member of an object, or an element of an array, as offsets in its text. An element has no key: `start` is its value's. */
export interface Part {
  readonly start: number
  readonly keyEnd: number
  readonly valueStart: number
  readonly end: number
}

/** Changes of an object. Names that stand twice in the text are changed in each place. */
export interface Edits {
  /** New values, as JSON. A name that the object does not have is added at its end. */
  readonly set?: Readonly<Record<string, JsonBytes>>
  readonly remove?: readonly string[]
}

/** A JSON text that was read. */
export class JsonText {
  /** All of it. */
  readonly bytes: Buffer
  readonly kind: 'object' | 'array' | 'scalar'
  readonly #parts: readonly Part[]
  #names: readonly string[] | undefined

  /** @param parts in order */
  constructor(bytes: Buffer, kind: 'object' | 'array' | 'scalar', parts: readonly Part[]) {
    this.bytes = bytes
    this.kind = kind
    this.#parts = parts
  }

  /** Names of the members in order, those that stand twice twice; none for an array. */
  get names(): readonly string[] {
    this.#names ??= this.kind === 'object' ? this.#parts.map(part => this.#nameOf(part)) : []
    return this.#names
  }

  /** Texts of the elements in order; none for an object. */
  get elements(): readonly Buffer[] {
    return this.kind === 'array' ? this.#parts.map(part => this.bytes.subarray(part.valueStart, part.end)) : []
  }

  has(name: string): boolean {
    return this.names.includes(name)
  }

  /** The text of a member's value, or undefined. Of a name that stands twice the last one counts, as in every parser that matters. */
  get(name: string): Buffer | undefined {
    const part = this.#parts[this.names.lastIndexOf(name)]
    return part && this.bytes.subarray(part.valueStart, part.end)
  }

  /** The value of a member, or undefined. Numbers are rounded as JavaScript's are. */
  read(name: string): unknown {
    const text = this.get(name)
    return text && JSON.parse(text.toString())
  }

  /** The text with changes; every byte that is not part of one stays. Only for objects. */
  edit({ set = {}, remove = [] }: Edits): Pieces {
    const gone = new Set(remove)
    const given = new Map(Object.entries(set))
    const added = new Map(given)
    const out: Buffer[] = []
    const copy = (from: number, to: number): void => {
      if (to > from) out.push(this.bytes.subarray(from, to))
    }
    // What is copied as it is goes from here on.
    let from = 0
    let kept = 0
    for (const [at, part] of this.#parts.entries()) {
      const name = this.names[at]!
      if (gone.has(name)) {
        // With the comma before it; the first one with the one behind it.
        const before = kept === 0 ? part.start : this.#parts[at - 1]!.end
        copy(from, before)
        from = kept === 0 ? (this.#parts[at + 1]?.start ?? part.end) : part.end
        continue
      }
      kept++
      const text = given.get(name)
      if (text === undefined) continue
      added.delete(name)
      copy(from, part.valueStart)
      out.push(bufferOf(text))
      from = part.end
    }
    if (added.size > 0) {
      const end = this.#parts.at(-1)?.end ?? this.bytes.indexOf(0x7b) + 1
      copy(from, end)
      from = Math.max(from, end)
      for (const [name, text] of added) {
        out.push(Buffer.from(`${kept++ > 0 ? ',' : ''}${JSON.stringify(name)}:`), bufferOf(text))
      }
    }
    copy(from, this.bytes.length)
    return out
  }

  #nameOf({ start, keyEnd }: Part): string {
    const name = this.bytes.toString('utf8', start + 1, keyEnd - 1)
    return name.includes('\\') ? JSON.parse(`"${name}"`) : name
  }
}

/** The pieces as one text. */
export function joined(pieces: Pieces): Buffer {
  return pieces.length === 1 ? pieces[0]! : Buffer.concat(pieces)
}

/** Bytes in all pieces. */
export function sizeOf(pieces: Pieces): number {
  let size = 0
  for (const { length } of pieces) size += length
  return size
}

function bufferOf(text: JsonBytes): Buffer {
  if (typeof text === 'string') return Buffer.from(text)
  return Buffer.isBuffer(text) ? text : Buffer.from(text.buffer, text.byteOffset, text.byteLength)
}
