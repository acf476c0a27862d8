import { FNV_OFFSET, FNV_PRIME, fnv1a32Range } from './fnv.ts'
import type { Encoding } from './types.ts'

const PUNCTUATION = 1
const WORD = 2
const SPACE = 4

/** Class of each ASCII character; an underscore is both: a piece by itself at a start, part of a word inside one. */
const CLASS = new Uint8Array(128)
for (const character of '{}:,-.?!;@#$%^&*()+_~/\\><[]="\'') CLASS[character.charCodeAt(0)]! |= PUNCTUATION
for (const character of '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_') {
  CLASS[character.charCodeAt(0)]! |= WORD
}
for (const character of '\t\n\f\r ') CLASS[character.charCodeAt(0)]! |= SPACE

/**
 * One piece that starts with a non-ASCII character, in this order:
 * 1. one character of a script written without spaces between words (Han, Kana, Hangul, Bopomofo, Yi), with its marks;
 * 2. up to eight letters or digits of any other script, each with its marks: about a word;
 * 3. a flag, made of two regional indicators;
 * 4. any other character with what belongs to it: marks, variation selectors, skin tones, characters joined by ZWJ.
 *
 * All of these have an end: a million marks would overflow the stack of the regular expression.
 */
const OTHER =
  /[\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}\p{scx=Bopo}\p{sc=Yi}]\p{M}{0,64}|(?:[[\p{L}\p{N}]--[\p{ASCII}\p{scx=Han}\p{scx=Hira}\p{scx=Kana}\p{scx=Hang}]][\p{M}\u200c]{0,64}){1,8}|\p{RI}\p{RI}|\P{ASCII}[\p{M}\p{EMod}\u{e0020}-\u{e007f}]{0,64}(?:\u200d\P{ASCII}[\p{M}\p{EMod}]{0,64}){0,64}/vy

function endOfOther(text: string, start: number): number {
  OTHER.lastIndex = start
  OTHER.test(text)
  return OTHER.lastIndex
}

/**
 * Splits a text into the pieces of the simulated tokenizer and hashes each to its id, in one pass over the characters.
 *
 * A piece is one character of ASCII punctuation, or a run of ASCII letters, digits and underscores, with all ASCII white
 * space directly after it: that is what llm-d-inference-sim keeps, with its ids. What it drops becomes pieces of its own, so
 * that nothing is lost: white space at the start of the text, `|`, the backtick and other ASCII control characters one by
 * one, other scripts and symbols as `OTHER` says, each with the white space after it.
 *
 * @returns pieces that join to `text.toWellFormed()`, and the 32-bit FNV-1a of each piece's UTF-8 bytes
 */
export function splitSimulated(text: string): Encoding {
  const encoding: Encoding = { ids: [], pieces: [] }
  splitPart(text.toWellFormed(), 0, Number.POSITIVE_INFINITY, encoding)
  return encoding
}

/**
 * Appends the pieces of a part of a well-formed text to `encoding`.
 * @param from where a piece begins
 * @param to the last piece begins before it
 * @returns where the next piece begins
 */
export function splitPart(source: string, from: number, to: number, { ids, pieces }: Encoding): number {
  const length = source.length
  const end = Math.min(to, length)
  let index = from
  while (index < end) {
    const start = index
    let hash = FNV_OFFSET
    let code = source.charCodeAt(index)
    if (code < 128) {
      const kind = CLASS[code]!
      if (kind === WORD) {
        do {
          hash = Math.imul(hash ^ code, FNV_PRIME)
          index++
        } while (index < length && (code = source.charCodeAt(index)) < 128 && (CLASS[code]! & WORD) !== 0)
      } else if (kind !== SPACE) {
        hash = Math.imul(hash ^ code, FNV_PRIME)
        index++
      }
    } else {
      index = endOfOther(source, index)
      hash = fnv1a32Range(source, start, index, hash)
    }
    while (index < length && (code = source.charCodeAt(index)) < 128 && CLASS[code] === SPACE) {
      hash = Math.imul(hash ^ code, FNV_PRIME)
      index++
    }
    ids.push(hash >>> 0)
    pieces.push(source.slice(start, index))
  }
  return index
}

/**
 * Cuts a text into exactly `count` pieces, for ids whose strings are not known (render mode). Fewer natural pieces than
 * asked for: empty strings follow; more: the rest joins the last piece. Pieces join to the well-formed
 * text, unless `count` is 0.
 */
export function fitPieces(text: string, count: number): string[] {
  if (count <= 0) return []
  const natural = splitSimulated(text).pieces
  if (natural.length <= count) return [...natural, ...new Array<string>(count - natural.length).fill('')]
  return [...natural.slice(0, count - 1), natural.slice(count - 1).join('')]
}
