import { isObject, type JsonObject } from './json.ts'

/** Characters of a long string that are read at once, about. */
const SLICE = 4096

/**
 * A text that may be much longer than anyone reads: it is written piece by piece, as far as it is read. The pieces join
 * to `toString()`, whatever their sizes.
 */
export interface Text {
  /** UTF-16 units of the whole text. */
  readonly length: number
  /** The text from its start. Each call begins anew; no piece is empty. */
  pieces(): Iterator<string, void>
  /** The whole text. */
  toString(): string
}

/** A text that is there already. */
export class WholeText implements Text {
  readonly #text: string

  constructor(text: string) {
    this.#text = text
  }

  get length(): number {
    return this.#text.length
  }

  pieces(): Iterator<string, void> {
    return slices(this.#text)
  }

  toString(): string {
    return this.#text
  }
}

/** The compact JSON of a value, which must not be changed afterwards. */
export class JsonText implements Text {
  readonly #value: unknown
  readonly #sorted: boolean
  #length: number | undefined

  /** @param sorted put the members of every object into the order of their names; otherwise they keep their own */
  constructor(value: unknown, sorted = false) {
    this.#value = value
    this.#sorted = sorted
  }

  get length(): number {
    return (this.#length ??= jsonLength(this.#value))
  }

  pieces(): Iterator<string, void> {
    return written(this.#value, this.#sorted)
  }

  toString(): string {
    let text = ''
    for (const piece of written(this.#value, this.#sorted)) text += piece
    return text
  }
}

/** A string whose JSON is itself between quotes has none of these. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what JSON escapes
const escaped = /["\\\u0000-\u001f\ud800-\udfff]/

/** UTF-16 units of a string as JSON. A long one is hardly ever copied for it. */
function stringLength(text: string): number {
  return escaped.test(text) ? JSON.stringify(text).length : text.length + 2
}

/** UTF-16 units of a value's compact JSON. A long string that occurs often is looked at once. */
export function jsonLength(value: unknown): number {
  const long = new Map<string, number>()
  const string = (text: string): number => {
    if (text.length < 256) return stringLength(text)
    let length = long.get(text)
    if (length === undefined) long.set(text, (length = stringLength(text)))
    return length
  }
  const measure = (one: unknown): number => {
    if (typeof one === 'string') return string(one)
    if (Array.isArray(one)) return one.reduce<number>((sum, item) => sum + 1 + measure(item), one.length > 0 ? 1 : 2)
    if (!isObject(one)) return JSON.stringify(one).length
    const names = Object.keys(one)
    return names.reduce((sum, name) => sum + string(name) + 2 + measure(one[name]), names.length > 0 ? 1 : 2)
  }
  return measure(value)
}

/** Names that look like numbers are where JavaScript's objects put them, unless they are sorted. */
function* written(value: unknown, sorted: boolean): Generator<string, void> {
  if (typeof value === 'string' && value.length > SLICE) {
    yield '"'
    for (const slice of slices(value)) yield JSON.stringify(slice).slice(1, -1)
    yield '"'
  } else if (Array.isArray(value)) {
    yield '['
    for (let index = 0; index < value.length; index++) {
      if (index > 0) yield ','
      yield* written(value[index], sorted)
    }
    yield ']'
  } else if (isObject(value)) {
    yield '{'
    const names = Object.keys(value)
    if (sorted) names.sort()
    for (let index = 0; index < names.length; index++) {
      if (index > 0) yield ','
      yield* written(names[index]!, sorted)
      yield ':'
      yield* written((value as JsonObject)[names[index]!], sorted)
    }
    yield '}'
  } else yield JSON.stringify(value)
}

/** Parts of a string, none of which ends inside of a surrogate pair. */
function* slices(text: string): Generator<string, void> {
  for (let from = 0; from < text.length; ) {
    let to = Math.min(text.length, from + SLICE)
    if (to < text.length && (text.charCodeAt(to - 1) & 0xfc00) === 0xd800) to++
    yield text.slice(from, to)
    from = to
  }
}
