import { Token } from '@vllm-sim/core-engine'
import { fitPieces } from '@vllm-sim/tokenizer'
import type { ApiContext } from '../context.ts'

/**
 * Tokens whose texts join to exactly `text`. A model's tokenizer may normalize what it encodes, so that its pieces join to
 * something else; the ids are kept then, and the text is spread over them.
 */
export function exactTokens(text: string, context: ApiContext): Token[] {
  const tokens = context.outputTokens(text)
  if (tokens.map(token => token.text).join('') === text) return tokens
  const pieces = fitPieces(text, Math.max(1, tokens.length))
  return pieces.map((piece, at) => new Token(tokens[at]?.id ?? 0, piece))
}
