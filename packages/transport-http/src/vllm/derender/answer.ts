import type { DerenderPlan } from './plan.ts'

/** Members that all answers begin with. */
export function answerHead({ context, model, generated }: DerenderPlan, object: string): object {
  return {
    id: generated[0]!.request_id ?? context.nextId(),
    object,
    created: Math.floor(context.clock.wall() / 1000),
    model,
  }
}

/** The usage of an answer. Where the client states no prompt tokens the generate answer's own count stands. */
export function usageOf({ generated: all, promptTokens: given }: DerenderPlan): object {
  let prompt = 0
  let completion = 0
  for (let i = 0; i < all.length; i++) {
    const { usage, choices } = all[i]!
    prompt += given[i] ?? usage?.prompt_tokens ?? 0
    const counted = choices.reduce((sum, choice) => sum + (choice.token_ids?.length ?? 0), 0)
    completion += choices.length === 0 ? (usage?.completion_tokens ?? 0) : counted
  }
  return {
    prompt_tokens: prompt,
    completion_tokens: completion,
    total_tokens: prompt + completion,
    prompt_tokens_details: { cached_tokens: all[0]?.usage?.prompt_tokens_details?.cached_tokens ?? 0 },
  }
}
