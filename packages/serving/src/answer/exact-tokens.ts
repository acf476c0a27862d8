import { type OutputPart, Token } from '@vllm-sim/core-engine'
import type { Text } from '@vllm-sim/structured-output'
import { fitPieces } from '@vllm-sim/tokenizer'
import type { ServingContext } from '../context.ts'

/** Longest text, in characters, that is made into tokens as a whole. */
export const AT_ONCE = 16_384
/** Characters of a longer text that are made into tokens at a time, about. */
const SLICE = 4096

/** Tokens of an output part, with what makes the others when they are not all there. */
export type PartTokens = Pick<OutputPart, 'tokens' | 'extend'>

/**
 * Tokens whose texts join to exactly `text`. A model's tokenizer may normalize what it encodes, so that its pieces join to
 * something else; the ids are kept then, and the text is spread over them.
 */
export function exactTokens(text: string, context: ServingContext): Token[] {
  const tokens = context.outputTokens(text)
  if (tokens.map(token => token.text).join('') === text) return tokens
  const pieces = fitPieces(text, Math.max(1, tokens.length))
  return pieces.map((piece, at) => new Token(tokens[at]?.id ?? 0, piece))
}

/** The tokens of a text. Those of a long one are made as they are asked for, and a few of them differ at the seams. */
export function textTokens(text: Text, context: ServingContext): PartTokens {
  if (text.length <= AT_ONCE) return { tokens: exactTokens(text.toString(), context) }
  const tokens: Token[] = []
  const pieces = text.pieces()
  let pending = ''
  let ended = false
  const extend = (): boolean => {
    const before = tokens.length
    while (tokens.length === before && !ended) {
      while (pending.length < SLICE && !ended) {
        const next = pieces.next()
        if (next.done) ended = true
        else pending += next.value
      }
      const end = ended ? pending.length : seam(pending)
      for (const token of exactTokens(pending.slice(0, end), context)) tokens.push(token)
      pending = pending.slice(end)
    }
    return tokens.length > before
  }
  extend()
  return { tokens, extend }
}

/** A place near the end where a text can be cut and hardly a token changes: before a blank, or behind a comma. */
function seam(text: string): number {
  const near = text.length - 256
  const blank = text.lastIndexOf(' ')
  if (blank > near) return blank
  const comma = text.lastIndexOf(',') + 1
  if (comma > near) return comma
  return (text.charCodeAt(text.length - 1) & 0xfc00) === 0xd800 ? text.length - 1 : text.length
}
