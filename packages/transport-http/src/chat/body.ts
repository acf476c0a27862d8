import type { BodyEncoder, Call, Choice } from '../generation/endpoint.ts'
import { kvTransferAnswer } from '../generation/kv-transfer.ts'
import { sumUsage, usageJson } from '../generation/usage.ts'
import type { ChatBody } from './request.ts'

/** The body of a chat completion that is sent whole. */
export class ChatBodyEncoder implements BodyEncoder {
  readonly wantsTokens = false
  readonly #call: Call<ChatBody>

  constructor(call: Call<ChatBody>) {
    this.#call = call
  }

  encode(choices: readonly Choice[]): string {
    const { context, id, model, request, body } = this.#call
    const role = JSON.stringify(context.settings.responseRole)
    let list = ''
    for (const { index, text, outcome } of choices) {
      list +=
        `${list === '' ? '' : ','}{"index":${index},"message":{"role":${role},"content":${JSON.stringify(text)},"refusal":null},` +
        `"logprobs":null,"finish_reason":"${outcome.finishReason}","stop_reason":${JSON.stringify(outcome.stopReason)}}`
    }
    const usage = usageJson(
      sumUsage(
        choices.map(choice => choice.outcome),
        request.n,
      ),
    )
    return (
      `{"id":${JSON.stringify(`chatcmpl-${id}`)},"object":"chat.completion","created":${Math.floor(context.clock.wall() / 1000)},` +
      `"model":${JSON.stringify(model)},"choices":[${list}],"service_tier":null,"usage":${usage}${kvTransferAnswer(body)}}`
    )
  }
}
