import { DatasetError, messageOf } from '../errors.ts'

/** What one row holds. */
export interface StoredAnswer {
  ids: number[]
  pieces: string[]
}

/** How `decodeStored` treats rows of files that older tools made. */
export interface DecodeOptions {
  /** The id of a piece, for rows that have text but no ids. Default: the simulated tokenizer's. */
  pieceId?: (piece: string) => number
  /** Told about each row that had to be completed. */
  onIncomplete?: (what: string) => void
}

const utf8 = new TextDecoder('utf-8')

/**
 * Reads a `gen_tokens` value: `{"Tokens": [ids], "Strings": [pieces]}`, as text or as bytes, its keys in any case. Also takes
 * the two older shapes, `{"numbers", "strings"}` and a plain array of strings.
 *
 * @throws DatasetError `bad-row` with what is wrong with the value
 */
export function decodeStored(value: unknown, options: DecodeOptions = {}): StoredAnswer {
  let parsed: unknown
  try {
    parsed = JSON.parse(typeof value === 'string' ? value : utf8.decode(value as Uint8Array))
  } catch (error) {
    throw badRow(messageOf(error), error)
  }
  const { ids, pieces } = Array.isArray(parsed) ? { ids: undefined, pieces: parsed } : members(parsed)
  const strings = checkedPieces(pieces ?? [])
  const numbers = checkedIds(ids ?? [])
  if (numbers.length === 0 && strings.length > 0) {
    options.onIncomplete?.('token ids are missing, so they are made from the text')
    return { ids: strings.map(options.pieceId ?? simulatedId), pieces: strings }
  }
  if (numbers.length !== strings.length) {
    options.onIncomplete?.(`${numbers.length} token ids have ${strings.length} strings`)
    return { ids: numbers, pieces: fitStrings(strings, numbers.length) }
  }
  return { ids: numbers, pieces: strings }
}

/** The value of `gen_tokens` for an answer, to the byte as the reference's tool writes it. */
export function encodeStored(answer: StoredAnswer): Buffer {
  return Buffer.from(escapeHtml(JSON.stringify({ Tokens: answer.ids, Strings: answer.pieces.map(toWellFormed) })))
}

/** Writes what Go's encoder keeps out of JSON text (`<`, `>`, `&` and two line separators) as escapes. */
export function escapeHtml(json: string): string {
  return json.replace(/[<>&\u2028\u2029]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`)
}

function members(parsed: unknown): { ids: unknown; pieces: unknown } {
  if (typeof parsed !== 'object' || parsed === null) throw badRow(`expected an object, got ${parsed}`)
  let ids: unknown
  let pieces: unknown
  for (const [key, member] of Object.entries(parsed)) {
    const name = key.toLowerCase()
    if (name === 'tokens' || name === 'numbers') ids = member
    else if (name === 'strings') pieces = member
  }
  return { ids, pieces }
}

function checkedIds(value: unknown): number[] {
  if (!Array.isArray(value)) throw badRow('the token ids are not an array')
  for (const id of value)
    if (typeof id !== 'number' || id >>> 0 !== id) throw badRow(`${JSON.stringify(id)} is not a token id`)
  return value
}

function checkedPieces(value: unknown): string[] {
  if (!Array.isArray(value)) throw badRow('the strings are not an array')
  for (const piece of value) if (typeof piece !== 'string') throw badRow(`${JSON.stringify(piece)} is not a string`)
  return value
}

/** As many pieces as ids, no text lost: empty ones appended, or the rest joined into the last. */
function fitStrings(pieces: string[], count: number): string[] {
  if (pieces.length < count) return pieces.concat(new Array<string>(count - pieces.length).fill(''))
  return [...pieces.slice(0, count - 1), pieces.slice(count - 1).join('')]
}

/** FNV-1a, 32 bits, over UTF-8: how the simulated tokenizer makes ids (http://www.isthe.com/chongo/tech/comp/fnv/). */
function simulatedId(piece: string): number {
  let hash = 0x811c9dc5
  for (const byte of Buffer.from(piece)) hash = Math.imul(hash ^ byte, 0x01000193)
  return hash >>> 0
}

function toWellFormed(text: string): string {
  return text.toWellFormed()
}

function badRow(what: string, cause?: unknown): DatasetError {
  return new DatasetError('bad-row', `failed to unmarshal tokens JSON: ${what}`, cause)
}
