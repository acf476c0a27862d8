import type { Outcome, SequenceView } from '@vllm-sim/core-engine'
import { sumUsage, type Usage } from '@vllm-sim/serving'

/** The `usage` object of chat, text completion and generate. */
function usageJson({ prompt, completion, cached, reasoning, refused }: Usage): string {
  const details = reasoning > 0 ? `,"completion_tokens_details":{"reasoning_tokens":${reasoning}}` : ''
  const promptDetails = refused ? '' : `,"prompt_tokens_details":{"cached_tokens":${cached}}`
  return (
    `{"prompt_tokens":${prompt},"completion_tokens":${completion},"total_tokens":${prompt + completion}` +
    `${promptDetails}${details}}`
  )
}

/** The `usage` object of a choice while it is streamed. */
export function runningUsage(sequence: SequenceView, completion: number, reasoning = 0): string {
  return usageJson({
    prompt: sequence.promptTokens,
    cached: sequence.cachedTokens,
    completion,
    reasoning,
    refused: false,
  })
}

/** The `usage` object of a whole answer. @param n choices per prompt */
export function totalUsage(outcomes: readonly Outcome[], n: number): string {
  return usageJson(sumUsage(outcomes, n))
}
