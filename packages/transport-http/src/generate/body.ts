import { ecTransferParams } from '../generation/ec-transfer.ts'
import { joinChoices } from '../generation/join-choices.ts'
import { kvTransferAnswer } from '../generation/kv-transfer.ts'
import { byId, contentEntry, promptLogprobs } from '../generation/logprobs.ts'
import type { BodyEncoder, Call, Choice } from '../generation/lowered.ts'
import { sumUsage, usageJson } from '../generation/usage.ts'
import { type GenerateBody, shownLogprobs, shownPromptLogprobs } from './request.ts'

/** The body of a generate answer that is sent whole: the reference's members and vLLM's. */
export class GenerateBodyEncoder implements BodyEncoder {
  readonly wantsTokens = true
  readonly #call: Call<GenerateBody>

  constructor(call: Call<GenerateBody>) {
    this.#call = call
  }

  encode(choices: readonly Choice[]): string {
    const { context, body, id, model, request } = this.#call
    const logprobs = shownLogprobs(body, context)
    const list = joinChoices(choices, ({ index, tokens, outcome }) => {
      const entries =
        logprobs === undefined
          ? 'null'
          : `{"content":[${tokens.map((token, at) => contentEntry(token, at, logprobs, byId)).join()}],"refusal":null}`
      const ids = tokens.map(token => token.id).join()
      return `{"index":${index},"logprobs":${entries},"finish_reason":"${outcome.finishReason}","token_ids":[${ids}]}`
    })
    const usage = sumUsage(
      choices.map(choice => choice.outcome),
      request.n,
    )
    const prompt = request.prompts[0]!
    const count = shownPromptLogprobs(body, context)
    const encoded = context.settings.mmEncoderOnly ? ecTransferParams(prompt.features) : undefined
    return (
      `{"request_id":${JSON.stringify(id)},"model":${JSON.stringify(model)},` +
      `"created":${Math.floor(context.clock.wall() / 1000)},"choices":[${list}],"usage":${usageJson(usage)}` +
      `${count === undefined ? '' : `,"prompt_logprobs":${promptLogprobs(prompt.tokens ?? [], count)}`}` +
      `${kvTransferAnswer(body)},"ec_transfer_params":${encoded ?? 'null'}}`
    )
  }
}
