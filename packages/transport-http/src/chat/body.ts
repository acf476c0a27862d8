import type { BodyEncoder, Call, Choice } from '../generation/endpoint.ts'
import { roleOf } from './answer.ts'
import { chatCompletion } from './envelope.ts'
import type { ChatBody } from './request.ts'

/** The body of a chat completion that is nothing but text and is sent whole. */
export class ChatBodyEncoder implements BodyEncoder {
  readonly wantsTokens = false
  readonly #call: Call<ChatBody>

  constructor(call: Call<ChatBody>) {
    this.#call = call
  }

  encode(choices: readonly Choice[]): string {
    const role = JSON.stringify(roleOf(this.#call.body, this.#call.context))
    let list = ''
    for (const { index, text, outcome } of choices) {
      const content = outcome.completionTokens === 0 ? 'null' : JSON.stringify(text)
      list +=
        `${list === '' ? '' : ','}{"index":${index},"message":{"role":${role},"content":${content},"refusal":null},` +
        `"logprobs":null,"finish_reason":"${outcome.finishReason}","stop_reason":${JSON.stringify(outcome.stopReason)}}`
    }
    return chatCompletion(this.#call, choices, list)
  }
}
