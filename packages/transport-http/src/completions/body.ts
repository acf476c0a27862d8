import type { BodyEncoder, Call, Choice } from '../generation/endpoint.ts'
import { kvTransferAnswer } from '../generation/kv-transfer.ts'
import { sumUsage, usageJson } from '../generation/usage.ts'
import type { CompletionBody } from './request.ts'

/** The body of a text completion that is sent whole. */
export class CompletionBodyEncoder implements BodyEncoder {
  readonly wantsTokens = false
  readonly #call: Call<CompletionBody>

  constructor(call: Call<CompletionBody>) {
    this.#call = call
  }

  encode(choices: readonly Choice[]): string {
    const { context, id, model, request, body } = this.#call
    let list = ''
    for (const { index, text, outcome } of choices) {
      list +=
        `${list === '' ? '' : ','}{"index":${index},"text":${JSON.stringify(text)},"logprobs":null,` +
        `"finish_reason":"${outcome.finishReason}","stop_reason":${JSON.stringify(outcome.stopReason)}}`
    }
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
}
