import type { ApiContext } from '../context.ts'
import { logprobCount, promptLogprobCount, type TokenName, tokenName } from '../generation/logprobs.ts'
import type { CompletionBody } from './request.ts'

/** What an answer shows beside the generated text. */
export interface CompletionFeatures {
  /** Candidates per token; undefined: no logprobs. */
  readonly logprobs: number | undefined
  readonly tokenName: TokenName
  readonly tokenIds: boolean
  readonly promptLogprobs: number | undefined
  /** The prompt comes before the text. */
  readonly echo: boolean
}

export function completionFeatures(body: CompletionBody, context: ApiContext): CompletionFeatures {
  return {
    // As in the reference 0 is none.
    logprobs: body.logprobs ? logprobCount(body.logprobs, 'sample', 'logprobs', context) : undefined,
    tokenName: tokenName(body, context),
    tokenIds: body.return_token_ids ?? false,
    promptLogprobs: promptLogprobCount(body.prompt_logprobs, context),
    echo: body.echo ?? false,
  }
}

/** Nothing but text is wanted: the way of most requests, which costs least. */
export function isPlain(body: CompletionBody): boolean {
  return !body.logprobs && !body.echo && !body.return_token_ids && typeof body.prompt_logprobs !== 'number'
}
