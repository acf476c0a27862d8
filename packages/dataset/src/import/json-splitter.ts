import { DatasetError } from '../errors.ts'

/** Bytes of JSON punctuation. */
const quote = 0x22
const comma = 0x2c
const openBracket = 0x5b
const backslash = 0x5c
const closeBracket = 0x5d
const openBrace = 0x7b
const closeBrace = 0x7d

/** The longest record, in bytes: what fits into one JavaScript string with room to spare. */
const longestRecord = 2 ** 28

/** What may come next outside of a record. */
type Expect = 'start' | 'value-or-end' | 'value' | 'comma-or-end' | 'nothing' | 'values'

/**
 * Cuts JSON into records as it arrives: the elements of one array, or, if the text does not begin with `[`, values that
 * follow each other, as in JSONL. Only one record is in memory at a time. The records themselves are not parsed here, so a
 * mistake within one is found by whoever parses it.
 */
export class JsonSplitter {
  #expect: Expect = 'start'
  #depth = 0
  #inString = false
  #escaped = false
  /** A number, `true`, `false` or `null`: it ends where something else begins. */
  #inScalar = false
  #pieces: Buffer[] = []
  #pieceBytes = 0
  #offset = 0
  #recordStart = 0
  #records = 0

  /** How many records were complete so far. */
  get records(): number {
    return this.#records
  }

  /**
   * Takes the next bytes and returns the records that end in them.
   *
   * @throws DatasetError `bad-input`: the text between records is not what JSON wants
   */
  push(chunk: Buffer): Buffer[] {
    const complete: Buffer[] = []
    let start = this.#inRecord ? 0 : -1
    for (let at = 0; at < chunk.length; at++) {
      const byte = chunk[at]!
      if (this.#inString) {
        if (this.#escaped) this.#escaped = false
        else if (byte === backslash) this.#escaped = true
        else if (byte === quote) {
          this.#inString = false
          if (this.#depth === 0) start = this.#end(complete, chunk, start, at + 1)
        }
      } else if (this.#depth > 0) {
        if (byte === quote) this.#inString = true
        else if (byte === openBrace || byte === openBracket) this.#depth += 1
        else if ((byte === closeBrace || byte === closeBracket) && --this.#depth === 0)
          start = this.#end(complete, chunk, start, at + 1)
      } else if (this.#inScalar && !isSpace(byte) && byte !== comma && byte !== closeBracket) {
        // The scalar goes on.
      } else {
        if (this.#inScalar) start = this.#end(complete, chunk, start, at)
        if (!isSpace(byte) && this.#between(byte, this.#offset + at)) start = at
      }
    }
    this.#offset += chunk.length
    if (start >= 0) this.#keep(chunk.subarray(start))
    return complete
  }

  /**
   * Says that there are no more bytes, and returns the record that ends there, if any.
   *
   * @throws DatasetError `bad-input`: something is missing
   */
  finish(): Buffer[] {
    const complete: Buffer[] = []
    if (this.#inScalar && this.#expect === 'values') this.#end(complete, Buffer.alloc(0), 0, 0)
    if (this.#inRecord)
      throw this.#error(
        `unexpected end of JSON input: record ${this.#records + 1}, which begins at byte ${this.#recordStart}, has no end`,
      )
    if (!['nothing', 'values'].includes(this.#expect))
      throw this.#error(`unexpected end of JSON input after ${this.#records} records`)
    return complete
  }

  get #inRecord(): boolean {
    return this.#depth > 0 || this.#inString || this.#inScalar
  }

  /** Takes a byte between records; true if a record begins with it. */
  #between(byte: number, offset: number): boolean {
    switch (this.#expect) {
      case 'start':
        // A byte order mark is no JSON, but Windows programs write it.
        if (offset < 3 && (byte === 0xef || byte === 0xbb || byte === 0xbf)) return false
        this.#expect = byte === openBracket ? 'value-or-end' : 'values'
        return byte === openBracket ? false : this.#beginChecked(byte, offset)
      case 'comma-or-end':
        if (byte === comma) this.#expect = 'value'
        else if (byte === closeBracket) this.#expect = 'nothing'
        else throw this.#error(`expected "," or "]", found ${shown(byte)} at byte ${offset}`)
        return false
      case 'value-or-end':
        if (byte === closeBracket) {
          this.#expect = 'nothing'
          return false
        }
        return this.#beginChecked(byte, offset)
      case 'nothing':
        throw this.#error(`unexpected ${shown(byte)} at byte ${offset}, after the end of the array`)
      default:
        return this.#beginChecked(byte, offset)
    }
  }

  #beginChecked(byte: number, offset: number): true {
    if (byte === comma || byte === closeBracket || byte === closeBrace)
      throw this.#error(`expected a record, found ${shown(byte)} at byte ${offset}`)
    return this.#begin(byte, offset)
  }

  #begin(byte: number, offset: number): true {
    this.#recordStart = offset
    if (byte === quote) this.#inString = true
    else if (byte === openBrace || byte === openBracket) this.#depth = 1
    else this.#inScalar = true
    return true
  }

  #end(complete: Buffer[], chunk: Buffer, start: number, end: number): -1 {
    this.#inScalar = false
    this.#keep(chunk.subarray(start, end))
    complete.push(this.#pieces.length === 1 ? this.#pieces[0]! : Buffer.concat(this.#pieces))
    this.#pieces = []
    this.#pieceBytes = 0
    this.#records += 1
    if (this.#expect !== 'values') this.#expect = 'comma-or-end'
    return -1
  }

  #keep(piece: Buffer): void {
    this.#pieces.push(piece)
    this.#pieceBytes += piece.length
    if (this.#pieceBytes > longestRecord)
      throw this.#error(`record ${this.#records + 1} is longer than ${longestRecord / 2 ** 20} MB`)
  }

  #error(text: string): DatasetError {
    return new DatasetError('bad-input', `unmarshal: ${text}`)
  }
}

function isSpace(byte: number): boolean {
  return byte === 0x20 || byte === 0x0a || byte === 0x0d || byte === 0x09
}

function shown(byte: number): string {
  return byte > 0x20 && byte < 0x7f ? JSON.stringify(String.fromCharCode(byte)) : `0x${byte.toString(16)}`
}
