import { answerHead } from '../generation/answer-head.ts'
import { ecTransferParams } from '../generation/ec-transfer.ts'
import type { Call, Choice } from '../generation/endpoint.ts'
import { kvTransferAnswer } from '../generation/kv-transfer.ts'
import { sumUsage, usageJson } from '../generation/usage.ts'
import type { ChatBody } from './request.ts'

/**
 * A whole chat completion around its choices.
 * @param extra further members, each with the comma before it
 */
export function chatCompletion(call: Call<ChatBody>, choices: readonly Choice[], list: string, extra = ''): string {
  const { context, id, request, body } = call
  const usage = usageJson(
    sumUsage(
      choices.map(choice => choice.outcome),
      request.n,
    ),
  )
  const encoded = context.settings.mmEncoderOnly ? ecTransferParams(request.prompts[0]?.features) : undefined
  return (
    `${answerHead(call, `chatcmpl-${id}`, 'chat.completion')}"choices":[${list}],"service_tier":null,"usage":${usage}${kvTransferAnswer(body)}` +
    `${encoded === undefined ? '' : `,"ec_transfer_params":${encoded}`}${extra}}`
  )
}
