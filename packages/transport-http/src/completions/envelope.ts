import { answerHead } from '../generation/answer-head.ts'
import type { Call, Choice } from '../generation/endpoint.ts'
import { kvTransferAnswer } from '../generation/kv-transfer.ts'
import { sumUsage, usageJson } from '../generation/usage.ts'
import type { CompletionBody } from './request.ts'

/** A whole text completion around its choices. */
export function textCompletion(call: Call<CompletionBody>, choices: readonly Choice[], list: string): string {
  const { id, request, body } = call
  const usage = usageJson(
    sumUsage(
      choices.map(choice => choice.outcome),
      request.n,
    ),
  )
  return `${answerHead(call, `cmpl-${id}-0`, 'text_completion')}"choices":[${list}],"service_tier":null,"usage":${usage}${kvTransferAnswer(body)}}`
}
