import { type SamplingWire, samplingProperties } from '../../generation/wire.ts'
import type { ChatWire } from '../../openai/chat/wire.ts'
import type { CompletionWire } from '../../openai/completions/wire.ts'

/** `sampling_params` of the generate request that a chat request comes to. */
export function chatSampling(wire: ChatWire): object {
  // The newer member wins.
  const limit = wire.max_completion_tokens ?? wire.max_tokens ?? undefined
  return {
    ...given(wire),
    ...(limit === undefined ? undefined : { max_tokens: limit }),
    ...(wire.logprobs ? { logprobs: wire.top_logprobs ?? 1 } : undefined),
    ...(typeof wire.prompt_logprobs === 'number' ? { prompt_logprobs: wire.prompt_logprobs } : undefined),
  }
}

/** The same for a text completion. 0 logprobs are none there, as in the reference. */
export function completionSampling(wire: CompletionWire): object {
  return {
    ...given(wire),
    ...(wire.logprobs ? { logprobs: wire.logprobs } : undefined),
    ...(typeof wire.prompt_logprobs === 'number' ? { prompt_logprobs: wire.prompt_logprobs } : undefined),
  }
}

/** The members that the request itself sets; the generating server has its own defaults for the others. */
function given(wire: SamplingWire): Record<string, unknown> {
  const members = Object.keys(samplingProperties) as (keyof SamplingWire)[]
  return Object.fromEntries(
    members.map(member => [member, wire[member]]).filter(([, value]) => value !== undefined && value !== null),
  )
}
