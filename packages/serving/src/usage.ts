import type { Outcome } from '@vllm-sim/core-engine'
import type { ServingContext } from './context.ts'

/** Token counts of one answer. */
export interface Usage {
  readonly prompt: number
  readonly completion: number
  readonly cached: number
  readonly reasoning: number
  /** The answer was refused for want of cached tokens; such an answer has no details. */
  readonly refused: boolean
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
  return { prompt, completion, reasoning, cached: first?.cachedTokens ?? 0, refused }
}

/** Which chunks of a stream carry usage. */
export interface UsageOptions {
  /** A last chunk without choices. */
  readonly final: boolean
  /** Every chunk. */
  readonly continuous: boolean
}

const none: UsageOptions = { final: false, continuous: false }
const last: UsageOptions = { final: true, continuous: false }
const every: UsageOptions = { final: true, continuous: true }

/**
 * @param final the request wants usage at the end
 * @param continuous and, only with that, in every chunk
 */
export function usageOptions(final: boolean, continuous: boolean, { settings }: ServingContext): UsageOptions {
  if (settings.forceIncludeUsage) return every
  return final ? (continuous ? every : last) : none
}
