import type { Outcome, SequenceView } from '@vllm-sim/core-engine'
import type { ApiContext } from '../context.ts'
import type { SharedBody } from './sampling.ts'

/** Token counts of one answer. */
export interface Usage {
  readonly prompt: number
  readonly completion: number
  readonly cached: number
  readonly reasoning: number
  /** The answer was refused for want of cached tokens; such an answer has no details. */
  readonly refused?: boolean
}

/**
 * The counts over all choices: prompt tokens once per prompt, cached tokens of the first choice, completion tokens of
 * all. @param n choices per prompt
 */
export function sumUsage(outcomes: readonly Outcome[], n: number): Usage {
  let prompt = 0
  let completion = 0
  let reasoning = 0
  for (let i = 0; i < outcomes.length; i++) {
    const outcome = outcomes[i]!
    if (i % n === 0) prompt += outcome.promptTokens
    completion += outcome.completionTokens
    reasoning += outcome.reasoningTokens
  }
  const first = outcomes[0]
  const refused = first?.finishReason === 'cache_threshold'
  return { prompt, completion, reasoning, cached: first?.cachedTokens ?? 0, ...(refused ? { refused } : undefined) }
}

/** The `usage` object of chat, text completion and generate. */
export function usageJson({ prompt, completion, cached, reasoning, refused }: Usage): string {
  const details = reasoning > 0 ? `,"completion_tokens_details":{"reasoning_tokens":${reasoning}}` : ''
  const promptDetails = refused ? '' : `,"prompt_tokens_details":{"cached_tokens":${cached}}`
  return (
    `{"prompt_tokens":${prompt},"completion_tokens":${completion},"total_tokens":${prompt + completion}` +
    `${promptDetails}${details}}`
  )
}

/** The `usage` object of a choice while it is streamed. */
export function runningUsage(sequence: SequenceView, completion: number, reasoning = 0): string {
  return usageJson({ prompt: sequence.promptTokens, cached: sequence.cachedTokens, completion, reasoning })
}

/** Which chunks of a stream carry usage. */
export interface UsageOptions {
  /** A last chunk without choices. */
  readonly final: boolean
  /** Every chunk. */
  readonly continuous: boolean
}

export function usageOptions(body: SharedBody, context: ApiContext): UsageOptions {
  if (context.settings.forceIncludeUsage) return { final: true, continuous: true }
  const final = body.stream_options?.include_usage ?? false
  return { final, continuous: final && (body.stream_options?.continuous_usage_stats ?? false) }
}
