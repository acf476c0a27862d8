import type { Choice } from '@vllm-sim/serving'
import type { WholeEncoder } from '../../generation/endpoint.ts'
import { ecTransferParams } from '../../output/ec-transfer.ts'
import { answerHead } from '../../output/head.ts'
import { kvTransferMember } from '../../output/kv-transfer.ts'
import { totalUsage } from '../../output/usage.ts'
import { type BodyText, wholeAnswer } from '../../output/whole-answer.ts'
import type { ChatPlan } from './plan.ts'

/** A chat completion that is nothing but text and is sent whole. */
export class ChatWhole implements WholeEncoder {
  readonly #plan: ChatPlan

  constructor(plan: ChatPlan) {
    this.#plan = plan
  }

  encode(choices: readonly Choice[]): BodyText {
    const { role } = this.#plan
    return chatCompletion(this.#plan, choices, ({ index, text, outcome }) => {
      const content = outcome.completionTokens === 0 ? 'null' : JSON.stringify(text)
      return (
        `{"index":${index},"message":{"role":${role},"content":${content},"refusal":null},` +
        `"logprobs":null,"finish_reason":"${outcome.finishReason}","stop_reason":${JSON.stringify(outcome.stopReason)}}`
      )
    })
  }
}

/**
 * A whole chat completion around its choices.
 * @param encode a choice as JSON
 * @param extra further members, each with the comma before it
 */
export function chatCompletion(
  plan: ChatPlan,
  choices: readonly Choice[],
  encode: (choice: Choice) => BodyText,
  extra = '',
): BodyText {
  const { context, request } = plan
  const outcomes = choices.map(choice => choice.outcome)
  const encoded = context.settings.mmEncoderOnly ? ecTransferParams(request.prompts[0]?.features) : undefined
  return wholeAnswer(
    `${answerHead(plan, `chatcmpl-${request.id}`, 'chat.completion')}"choices":[`,
    choices,
    encode,
    `],"service_tier":null,"usage":${totalUsage(outcomes, request.n)}${kvTransferMember(plan, outcomes[0]!)}` +
      `${encoded === undefined ? '' : `,"ec_transfer_params":${encoded}`}${extra}}`,
  )
}
