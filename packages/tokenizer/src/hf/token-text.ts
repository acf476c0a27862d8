import { isUtf8 } from 'node:buffer'
import type { DecodeOptions, IncrementalDetokenizer } from '../types.ts'
import type { DecoderKind } from './decoder-kind.ts'
import { byteLevelBytes, incompleteTail } from './utf8.ts'

const REPLACEMENT = '\ufffd'

/** What a token adds to the text: a string when its bytes are whole characters, else the bytes. */
type TokenContent = string | Uint8Array

/** Looks up token strings and special tokens; the part of a vocabulary that decoding needs. */
export interface Vocabulary {
  token(id: number): string | undefined
  isSpecial(id: number): boolean
}

/** Turns ids into text: whole lists, pieces that join to the text, or one at a time. Remembers the content of each token. */
export class TokenText {
  readonly #kind: DecoderKind
  readonly #vocabulary: Vocabulary
  readonly #contents: TokenContent[] = []

  constructor(kind: DecoderKind, vocabulary: Vocabulary) {
    this.#kind = kind
    this.#vocabulary = vocabulary
  }

  /** One string per id; they join to `decode(ids)`. */
  pieces(ids: readonly number[], options?: DecodeOptions): string[] {
    const detokenizer = this.detokenizer(options)
    const pieces = ids.map(id => detokenizer.push(id))
    if (pieces.length > 0) pieces[pieces.length - 1] += detokenizer.flush()
    return pieces
  }

  /** The text of a list of ids. */
  decode(ids: readonly number[], options?: DecodeOptions): string {
    return this.pieces(ids, options).join('')
  }

  /** Number of UTF-8 bytes that a token adds, not counting what a strip of the first space takes away. */
  byteLength(id: number): number {
    const content = this.#content(id)
    return typeof content === 'string' ? Buffer.byteLength(content) : content.length
  }

  detokenizer(options?: DecodeOptions): IncrementalDetokenizer {
    const skip = options?.skipSpecialTokens === true
    let first = true
    let pending: Uint8Array | undefined
    const flush = () => {
      if (!pending) return ''
      pending = undefined
      return REPLACEMENT
    }
    return {
      push: id => {
        if (skip && this.#vocabulary.isSpecial(id)) return ''
        let content = this.#content(id)
        if (first) {
          first = false
          content = this.#asFirst(content)
        }
        if (typeof content === 'string') return content === '' ? '' : pending ? flush() + content : content
        const bytes: Uint8Array = pending ? Buffer.concat([pending, content]) : content
        const tail = incompleteTail(bytes)
        pending = tail > 0 ? bytes.subarray(bytes.length - tail) : undefined
        return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length - tail).toString('utf8')
      },
      flush,
    }
  }

  #content(id: number): TokenContent {
    return (this.#contents[id] ??= this.#makeContent(id))
  }

  #makeContent(id: number): TokenContent {
    const token = this.#vocabulary.token(id)
    if (token === undefined) return ''
    const { style, mark } = this.#kind
    if (style === 'byte-level') {
      const bytes = byteLevelBytes(token)
      return isUtf8(bytes) ? Buffer.from(bytes).toString('utf8') : bytes
    }
    if (style === 'sentencepiece') {
      const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)
      if (!byte) return token.replaceAll('\u2581', ' ')
      const value = Number.parseInt(byte[1]!, 16)
      return value < 0x80 ? String.fromCharCode(value) : Uint8Array.of(value)
    }
    if (style === 'wordpiece') return token.startsWith(mark) ? token.slice(mark.length) : ` ${token}`
    if (style === 'suffix') return token.replaceAll(mark, ' ')
    return ` ${token}`
  }

  /** A text does not begin with the space that separates words. */
  #asFirst(content: TokenContent): TokenContent {
    const { style, stripFirst } = this.#kind
    const strips = stripFirst || style === 'wordpiece' || style === 'words'
    return strips && typeof content === 'string' && content.startsWith(' ') ? content.slice(1) : content
  }
}
