import type { Call, Choice } from '../generation/endpoint.ts'
import { kvTransferAnswer } from '../generation/kv-transfer.ts'
import { sumUsage, usageJson } from '../generation/usage.ts'
import type { CompletionBody } from './request.ts'

/** A whole text completion around its choices. */
export function textCompletion(call: Call<CompletionBody>, choices: readonly Choice[], list: string): string {
  const { context, id, model, request, body } = call
  const usage = usageJson(
    sumUsage(
      choices.map(choice => choice.outcome),
      request.n,
    ),
  )
  return (
    `{"id":${JSON.stringify(`cmpl-${id}-0`)},"object":"text_completion","created":${Math.floor(context.clock.wall() / 1000)},` +
    `"model":${JSON.stringify(model)},"choices":[${list}],"service_tier":null,"usage":${usage}${kvTransferAnswer(body)}}`
  )
}
