import { tokenName as nameOf, type ServingContext, type TokenName } from '@vllm-sim/serving'

export { byId, logprobCount, promptLogprobCount, type TokenName } from '@vllm-sim/serving'
export { contentEntry, promptLogprobs } from '../output/logprobs.ts'

/** The names that a request wants. */
export function tokenName(
  body: { readonly return_tokens_as_token_ids?: boolean | null },
  context: ServingContext,
): TokenName {
  return nameOf(body.return_tokens_as_token_ids ?? undefined, context)
}
