import { JsonText, type Part } from './text.ts'

/** The text is not JSON, or over a bound. The message names the byte. */
export class JsonTextError extends Error {
  override readonly name = 'JsonTextError'
}

/** Arrays and objects inside each other, as Go's parser allows. */
const deepest = 10_000
/** Members of the outermost object, or elements of the outermost array, that are kept track of. */
const mostParts = 65_536

// What may come next. Numbers, so that the loop compares integers.
const value = 0
const firstElement = 1
const firstKey = 2
const key = 3
const colon = 4
const separator = 5
const inString = 6
const escaped = 7
const hex = 8
const literal = 9
const minus = 10
const zero = 11
const integer = 12
const point = 13
const fraction = 14
const exponent = 15
const exponentSign = 16
const exponentDigits = 17

/** 1 for states in which a number may end. */
const endsNumber = Uint8Array.from({ length: 18 }, (_, state) =>
  [zero, integer, fraction, exponentDigits].includes(state) ? 1 : 0,
)
const byteOrderMark = [0xef, 0xbb, 0xbf]

/**
 * Checks a JSON text (RFC 8259) and finds the members of its outermost object, or the elements of its outermost array.
 * Takes the text in pieces as they arrive: each byte is looked at once, and nothing is parsed into values. Bytes that are no
 * UTF-8 pass inside of strings; a byte order mark may come first.
 */
export class JsonReader {
  readonly #chunks: Buffer[] = []
  readonly #parts: Part[] = []
  #size = 0
  #state = value
  #stack = new Uint8Array(64)
  #depth = 0
  #left = 0
  #word = ''
  #isKey = false
  #kind: JsonText['kind'] = 'scalar'
  #done = false
  // Of the part that is being read, as offsets in the whole text.
  #start = 0
  #keyEnd = 0
  #valueStart = 0

  /** Takes the next piece. It is kept, not copied. @throws JsonTextError */
  push(chunk: Buffer): void {
    this.#chunks.push(chunk)
    const base = this.#size
    this.#size += chunk.length
    let at = base === 0 && byteOrderMark.every((byte, index) => chunk[index] === byte) ? 3 : 0
    for (; at < chunk.length; at++) {
      // The longest runs: the inside of strings.
      if (this.#state === inString) {
        while (at < chunk.length && plain[chunk[at]!] === 1) at++
        if (at === chunk.length) break
      }
      this.#take(chunk[at]!, base + at)
    }
  }

  /** The text is complete. @throws JsonTextError */
  end(): JsonText {
    if (this.#depth === 0 && endsNumber[this.#state] === 1) this.#valueEnd(this.#size)
    if (!this.#done) throw new JsonTextError('unexpected end of JSON input')
    const bytes = this.#chunks.length === 1 ? this.#chunks[0]! : Buffer.concat(this.#chunks, this.#size)
    return new JsonText(bytes, this.#kind, this.#parts)
  }

  #take(byte: number, at: number): void {
    if (endsNumber[this.#state] === 1 && numberBytes[byte] === 0) this.#valueEnd(at)
    switch (this.#state) {
      case inString:
        if (byte === 0x22) this.#stringEnd(at + 1)
        else if (byte === 0x5c) this.#state = escaped
        else this.#unexpected(byte, at, 'in a string')
        return
      case escaped:
        if (byte === 0x75) {
          this.#state = hex
          this.#left = 4
        } else if ('"\\/bfnrt'.includes(String.fromCharCode(byte))) this.#state = inString
        else this.#unexpected(byte, at, 'behind a backslash')
        return
      case hex:
        if (!/[\dA-Fa-f]/.test(String.fromCharCode(byte))) this.#unexpected(byte, at, 'in \\u')
        if (--this.#left === 0) this.#state = inString
        return
      case literal:
        if (byte !== this.#word.charCodeAt(this.#left)) this.#unexpected(byte, at, `in ${this.#word}`)
        if (++this.#left === this.#word.length) this.#valueEnd(at + 1)
        return
    }
    if (this.#state >= minus) this.#number(byte, at)
    else if (byte !== 0x20 && byte !== 0x0a && byte !== 0x0d && byte !== 0x09) this.#structure(byte, at)
  }

  #structure(byte: number, at: number): void {
    if (this.#done) this.#unexpected(byte, at, 'after the end of the JSON text')
    switch (this.#state) {
      case firstElement:
        if (byte === 0x5d) this.#close(at)
        else this.#value(byte, at)
        return
      case value:
        this.#value(byte, at)
        return
      case firstKey:
        if (byte === 0x7d) this.#close(at)
        else this.#key(byte, at)
        return
      case key:
        this.#key(byte, at)
        return
      case colon:
        if (byte !== 0x3a) this.#unexpected(byte, at, 'after a key, where ":" must be')
        this.#state = value
        return
    }
    const isObject = this.#stack[this.#depth - 1] === 0x7b
    if (byte === 0x2c) this.#state = isObject ? key : value
    else if (byte === (isObject ? 0x7d : 0x5d)) this.#close(at)
    else
      this.#unexpected(
        byte,
        at,
        isObject ? 'in an object, where "," or "}" must be' : 'in an array, where "," or "]" must be',
      )
  }

  #key(byte: number, at: number): void {
    if (byte !== 0x22) this.#unexpected(byte, at, 'where a key must be')
    if (this.#depth === 1) this.#start = at
    this.#isKey = true
    this.#state = inString
  }

  #value(byte: number, at: number): void {
    if (this.#depth === 1) {
      this.#valueStart = at
      if (this.#kind === 'array') this.#start = at
    }
    if (byte === 0x22) {
      this.#isKey = false
      this.#state = inString
    } else if (byte === 0x7b || byte === 0x5b) this.#open(byte, at)
    else if (byte === 0x2d) this.#state = minus
    else if (byte === 0x30) this.#state = zero
    else if (byte > 0x30 && byte <= 0x39) this.#state = integer
    else {
      const word = literals.get(byte)
      if (word === undefined) this.#unexpected(byte, at, 'where a value must be')
      this.#word = word
      this.#left = 1
      this.#state = literal
    }
  }

  #open(byte: number, at: number): void {
    if (this.#depth === deepest)
      throw new JsonTextError(`more than ${deepest} arrays and objects inside each other at byte ${at}`)
    if (this.#depth === this.#stack.length) {
      const larger = new Uint8Array(2 * this.#stack.length)
      larger.set(this.#stack)
      this.#stack = larger
    }
    this.#stack[this.#depth++] = byte
    if (this.#depth === 1) this.#kind = byte === 0x7b ? 'object' : 'array'
    this.#state = byte === 0x7b ? firstKey : firstElement
  }

  #close(at: number): void {
    this.#depth--
    this.#valueEnd(at + 1)
  }

  #stringEnd(end: number): void {
    if (this.#isKey) {
      if (this.#depth === 1) this.#keyEnd = end
      this.#state = colon
    } else this.#valueEnd(end)
  }

  #valueEnd(end: number): void {
    this.#state = separator
    if (this.#depth === 0) {
      this.#done = true
      return
    }
    if (this.#depth > 1) return
    if (this.#parts.length === mostParts) throw new JsonTextError(`more than ${mostParts} members`)
    this.#parts.push({ start: this.#start, keyEnd: this.#keyEnd, valueStart: this.#valueStart, end })
  }

  #number(byte: number, at: number): void {
    const digit = byte >= 0x30 && byte <= 0x39
    const next = nextInNumber(this.#state, byte, digit)
    if (next === undefined) this.#unexpected(byte, at, 'in a number')
    this.#state = next
  }

  #unexpected(byte: number, at: number, where: string): never {
    const shown =
      byte > 0x20 && byte < 0x7f ? `'${String.fromCharCode(byte)}'` : `0x${byte.toString(16).padStart(2, '0')}`
    throw new JsonTextError(`unexpected ${shown} at byte ${at} ${where}`)
  }
}

/** Reads a whole text at once. @throws JsonTextError */
export function readJson(bytes: Buffer): JsonText {
  const reader = new JsonReader()
  reader.push(bytes)
  return reader.end()
}

const literals = new Map(['true', 'false', 'null'].map(word => [word.charCodeAt(0), word]))

/** 1 for bytes that stand for themselves in a string. */
const plain = Uint8Array.from({ length: 256 }, (_, byte) => (byte >= 0x20 && byte !== 0x22 && byte !== 0x5c ? 1 : 0))

/** 1 for bytes that may stand in a number. */
const numberBytes = Uint8Array.from({ length: 256 }, (_, byte) =>
  '0123456789.eE+-'.includes(String.fromCharCode(byte)) ? 1 : 0,
)

function nextInNumber(state: number, byte: number, digit: boolean): number | undefined {
  const isE = byte === 0x65 || byte === 0x45
  switch (state) {
    case minus:
      return byte === 0x30 ? zero : digit ? integer : undefined
    case zero:
      return byte === 0x2e ? point : isE ? exponent : undefined
    case integer:
      return digit ? integer : byte === 0x2e ? point : isE ? exponent : undefined
    case point:
      return digit ? fraction : undefined
    case fraction:
      return digit ? fraction : isE ? exponent : undefined
    case exponent:
      return digit ? exponentDigits : byte === 0x2b || byte === 0x2d ? exponentSign : undefined
    default:
      return digit ? exponentDigits : undefined
  }
}
