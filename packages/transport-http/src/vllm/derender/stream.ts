import { answerHead, usageOf } from './answer.ts'
import { chatLogprobs, completionLogprobs } from './logprobs.ts'
import type { ChunkPlan } from './plan.ts'
import { continueText } from './stream-text.ts'
import { TextBudget } from './text-budget.ts'

/** What a chunk of a generate answer is to a client of chat completions. */
export function chatChunk(plan: ChunkPlan): object {
  return chunk(plan, 'chat.completion.chunk', chatLogprobs, (text, first) => ({
    delta: {
      ...(first ? { role: plan.context.settings.responseRole } : undefined),
      ...(text === '' ? undefined : { content: text }),
    },
  }))
}

/** The same for a client of text completions. */
export function completionChunk(plan: ChunkPlan): object {
  return chunk(plan, 'text_completion', completionLogprobs, text => ({ text }))
}

function chunk(
  plan: ChunkPlan,
  object: string,
  shown: typeof chatLogprobs,
  content: (text: string, first: boolean) => object,
): object {
  const { context, state } = plan
  const generated = plan.generated[0]!
  const first = !state?.role_sent
  let next = { role_sent: !first, recent_token_ids: [...(state?.recent_token_ids ?? [])] }
  const budget = new TextBudget()
  const choices = generated.choices.map(({ index, token_ids: ids, finish_reason: reason, logprobs }) => {
    const ended = typeof reason === 'string'
    const { text, recent } = continueText(state, ids ?? [], ended, context.tokenizer, budget)
    next = { role_sent: true, recent_token_ids: recent }
    return {
      index,
      ...content(text, first),
      logprobs: shown(logprobs, context.tokenizer, budget),
      finish_reason: reason ?? null,
      ...(ended ? { stop_reason: null } : undefined),
    }
  })
  const usage = generated.usage ? usageOf(plan) : null
  return { chunk: { ...answerHead(plan, object), usage, choices }, stream_state: next }
}
