import { tokenized } from '@vllm-sim/serving'
import { Turns } from '../../http/turns.ts'
import { jsonText } from '../../output/json-text.ts'
import { answerHead, usageOf } from './answer.ts'
import { chatLogprobs, completionLogprobs } from './logprobs.ts'
import type { DerenderPlan } from './plan.ts'
import { TextBudget } from './text-budget.ts'
import type { WireChoice } from './wire.ts'

/** What a generate answer is to a client of chat completions. */
export async function chatAnswer(plan: DerenderPlan): Promise<object> {
  const { context } = plan
  const generated = plan.generated[0]!
  const choices = await choicesOf(plan, generated.choices, ({ index, logprobs }, content, budget) => ({
    index,
    message: { role: context.settings.responseRole, content, refusal: null },
    logprobs: chatLogprobs(logprobs, context.tokenizer, budget),
  }))
  return {
    ...answerHead(plan, 'chat.completion'),
    choices,
    service_tier: null,
    usage: usageOf(plan),
    ...(generated.prompt_logprobs ? { prompt_logprobs: generated.prompt_logprobs } : undefined),
    ...(generated.kv_transfer_params ? { kv_transfer_params: generated.kv_transfer_params } : undefined),
  }
}

/** What generate answers, one per prompt, are to a client of text completions. */
export async function completionAnswer(plan: DerenderPlan): Promise<object> {
  const { context, generated: all } = plan
  let index = 0
  const list = all.flatMap(generated => generated.choices)
  const choices = await choicesOf(plan, list, ({ logprobs }, text, budget) => ({
    index: index++,
    text,
    logprobs: completionLogprobs(logprobs, context.tokenizer, budget),
  }))
  const transfers = new Set(all.map(generated => jsonText(generated.kv_transfer_params ?? null)))
  const transfer = transfers.size === 1 ? all[0]!.kv_transfer_params : undefined
  return {
    ...answerHead(plan, 'text_completion'),
    choices,
    service_tier: null,
    usage: usageOf(plan),
    ...(transfer ? { kv_transfer_params: transfer } : undefined),
  }
}

/** @param members of a choice beside the reasons why it ended */
async function choicesOf(
  { context, cancel }: DerenderPlan,
  list: readonly WireChoice[],
  members: (choice: WireChoice, text: string, budget: TextBudget) => object,
): Promise<object[]> {
  const choices: object[] = []
  const turns = new Turns(context.socketTimeline.clock)
  const budget = new TextBudget()
  for (const choice of list) {
    const pause = turns.next()
    if (pause) await pause
    const ids = choice.token_ids ?? []
    const text = await tokenized(
      () => (ids.length === 0 ? '' : context.tokenizer.decode(ids, { skipSpecialTokens: true }, cancel)),
      decoded => decoded,
      'Derender failed, ',
    )
    choices.push({
      ...members(choice, budget.take(text), budget),
      finish_reason: choice.finish_reason ?? 'stop',
      stop_reason: null,
    })
  }
  return choices
}
