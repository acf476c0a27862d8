import type { Choice } from '@vllm-sim/serving'
import type { WholeEncoder } from '../../generation/endpoint.ts'
import { answerHead } from '../../output/head.ts'
import { kvTransferMember } from '../../output/kv-transfer.ts'
import { totalUsage } from '../../output/usage.ts'
import { type BodyText, wholeAnswer } from '../../output/whole-answer.ts'
import type { CompletionPlan } from './plan.ts'

/** A text completion that is nothing but text and is sent whole. */
export class CompletionWhole implements WholeEncoder {
  readonly #plan: CompletionPlan

  constructor(plan: CompletionPlan) {
    this.#plan = plan
  }

  encode(choices: readonly Choice[]): BodyText {
    return textCompletion(
      this.#plan,
      choices,
      ({ index, text, outcome }) =>
        `{"index":${index},"text":${JSON.stringify(text)},"logprobs":null,` +
        `"finish_reason":"${outcome.finishReason}","stop_reason":${JSON.stringify(outcome.stopReason)}}`,
    )
  }
}

/** A whole text completion around its choices. @param encode a choice as JSON */
export function textCompletion(
  plan: CompletionPlan,
  choices: readonly Choice[],
  encode: (choice: Choice) => BodyText,
): BodyText {
  const { request } = plan
  const outcomes = choices.map(choice => choice.outcome)
  return wholeAnswer(
    `${answerHead(plan, `cmpl-${request.id}-0`, 'text_completion')}"choices":[`,
    choices,
    encode,
    `],"service_tier":null,"usage":${totalUsage(outcomes, request.n)}${kvTransferMember(plan, outcomes[0]!)}}`,
  )
}
