import { type ChatBody, maxTokensOf } from '../chat/request.ts'
import type { CompletionBody } from '../completions/request.ts'
import { type SamplingBody, samplingProperties } from '../generation/sampling.ts'

/** `sampling_params` of the generate request that a chat request comes to. */
export function chatSampling(body: ChatBody): object {
  return {
    ...given(body),
    ...(maxTokensOf(body) === undefined ? undefined : { max_tokens: maxTokensOf(body) }),
    ...(body.logprobs ? { logprobs: body.top_logprobs ?? 1 } : undefined),
    ...(typeof body.prompt_logprobs === 'number' ? { prompt_logprobs: body.prompt_logprobs } : undefined),
  }
}

/** The same for a text completion. 0 logprobs are none there (http-api.md 21, 10). */
export function completionSampling(body: CompletionBody): object {
  const { prompt_logprobs: promptLogprobs } = body as { readonly prompt_logprobs?: unknown }
  return {
    ...given(body),
    ...(body.logprobs ? { logprobs: body.logprobs } : undefined),
    ...(typeof promptLogprobs === 'number' ? { prompt_logprobs: promptLogprobs } : undefined),
  }
}

/** The members that the request itself sets; the generating server has its own defaults for the others. */
function given(body: SamplingBody): Record<string, unknown> {
  const members = Object.keys(samplingProperties) as (keyof SamplingBody)[]
  return Object.fromEntries(
    members.map(member => [member, body[member]]).filter(([, value]) => value !== undefined && value !== null),
  )
}
