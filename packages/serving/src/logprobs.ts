import { RequestError, type Token } from '@vllm-sim/core-engine'
import type { ServingContext } from './context.ts'

/** One candidate for a place in a text. */
export interface Candidate {
  readonly id: number
  readonly text: string
  /** Natural logarithm of its probability. */
  readonly logprob: number
}

/** Most candidates per place where the server sets no limit, and what -1, all of them, comes to. */
const everything = 1000

/** Characters of a token that logprobs name: a word of a simulated model may have megabytes, and is named many times. */
const longestToken = 256

/**
 * The candidates for one place, the chosen token first. The values are the reference's: they fall by 0.5 from one
 * candidate to the next, so their probabilities sum to at most e^-1 / (1 - e^-0.5) = 0.935.
 * Of a token's text the beginning is shown, 256 characters.
 * @param position index of the token in its text, from 0 on
 * @param count how many, the chosen one included; at least 1
 */
export function candidates(token: Token, position: number, count: number): Candidate[] {
  const chosen = -10 - (position % 3)
  const text = token.text.length > longestToken ? token.text.slice(0, longestToken) : token.text
  const list: Candidate[] = [{ id: token.id, text, logprob: chosen / 10 }]
  for (let rank = 1; rank < count; rank++) {
    list.push({ id: (token.id + rank) >>> 0, text: `${text}_${rank}`, logprob: (chosen - 5 * rank) / 10 })
  }
  return list
}

/** How tokens are named in logprobs: by their text, or as `token_id:<id>`. */
export type TokenName = (candidate: { readonly id: number; readonly text: string }) => string

const byText: TokenName = ({ text }) => text
export const byId: TokenName = ({ id }) => `token_id:${id}`

/** The names that a request wants. @param asIds undefined leaves it to the server */
export function tokenName(asIds: boolean | undefined, { settings }: ServingContext): TokenName {
  return (asIds ?? settings.tokensAsTokenIds) ? byId : byText
}

/**
 * Turns a requested number of logprobs into the number of entries; -1 is all of them.
 * @param kind `sample` or `prompt`, as vLLM's message names it
 * @throws RequestError 400 when it is more than the server allows
 */
export function logprobCount(
  requested: number,
  kind: 'sample' | 'prompt',
  member: string,
  { settings, tokenizer }: ServingContext,
): number {
  const limit = settings.maxLogprobs < 0 ? everything : settings.maxLogprobs
  const count = requested === -1 ? Math.min(tokenizer.vocabularySize ?? everything, everything) : requested
  if (count > limit) {
    throw new RequestError(
      400,
      `Requested ${kind} logprobs of ${count}, which is greater than max allowed: ${limit}`,
      member,
    )
  }
  return count
}

/** Candidates to be shown per prompt token; undefined: none. @throws RequestError 400 when they are too many */
export function promptLogprobCount(requested: number | null | undefined, context: ServingContext): number | undefined {
  return typeof requested === 'number' ? logprobCount(requested, 'prompt', 'prompt_logprobs', context) : undefined
}
