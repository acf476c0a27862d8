import type { BodyEncoder, Call, Choice } from '../generation/endpoint.ts'
import { textCompletion } from './envelope.ts'
import type { CompletionBody } from './request.ts'

/** The body of a text completion that is nothing but text and is sent whole. */
export class CompletionBodyEncoder implements BodyEncoder {
  readonly wantsTokens = false
  readonly #call: Call<CompletionBody>

  constructor(call: Call<CompletionBody>) {
    this.#call = call
  }

  encode(choices: readonly Choice[]): string {
    let list = ''
    for (const { index, text, outcome } of choices) {
      list +=
        `${list === '' ? '' : ','}{"index":${index},"text":${JSON.stringify(text)},"logprobs":null,` +
        `"finish_reason":"${outcome.finishReason}","stop_reason":${JSON.stringify(outcome.stopReason)}}`
    }
    return textCompletion(this.#call, choices, list)
  }
}
