import type { Choice } from '@vllm-sim/serving'
import type { WholeEncoder } from '../../generation/endpoint.ts'
import { ecTransferParams } from '../../output/ec-transfer.ts'
import { answerHead } from '../../output/head.ts'
import { kvTransferMember } from '../../output/kv-transfer.ts'
import { totalUsage } from '../../output/usage.ts'
import type { ChatPlan } from './plan.ts'

/** A chat completion that is nothing but text and is sent whole. */
export class ChatWhole implements WholeEncoder {
  readonly wantsTokens = false
  readonly #plan: ChatPlan

  constructor(plan: ChatPlan) {
    this.#plan = plan
  }

  encode(choices: readonly Choice[]): string {
    const { role } = this.#plan
    let list = ''
    for (const { index, text, outcome } of choices) {
      const content = outcome.completionTokens === 0 ? 'null' : JSON.stringify(text)
      list +=
        `${list === '' ? '' : ','}{"index":${index},"message":{"role":${role},"content":${content},"refusal":null},` +
        `"logprobs":null,"finish_reason":"${outcome.finishReason}","stop_reason":${JSON.stringify(outcome.stopReason)}}`
    }
    return chatCompletion(this.#plan, choices, list)
  }
}

/**
 * A whole chat completion around its choices.
 * @param list the choices as JSON, without brackets
 * @param extra further members, each with the comma before it
 */
export function chatCompletion(plan: ChatPlan, choices: readonly Choice[], list: string, extra = ''): string {
  const { context, request } = plan
  const outcomes = choices.map(choice => choice.outcome)
  const encoded = context.settings.mmEncoderOnly ? ecTransferParams(request.prompts[0]?.features) : undefined
  return (
    `${answerHead(plan, `chatcmpl-${request.id}`, 'chat.completion')}"choices":[${list}],"service_tier":null,` +
    `"usage":${totalUsage(outcomes, request.n)}${kvTransferMember(request)}` +
    `${encoded === undefined ? '' : `,"ec_transfer_params":${encoded}`}${extra}}`
  )
}
