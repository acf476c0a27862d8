import type { BodyEncoder, Call, Choice } from '../generation/endpoint.ts'
import { joinChoices } from '../generation/join-choices.ts'
import { promptLogprobs } from '../generation/logprobs.ts'
import { textCompletion } from './envelope.ts'
import { type CompletionFeatures, completionFeatures } from './features.ts'
import type { CompletionBody } from './request.ts'
import { TokenList } from './token-list.ts'

/** The body of a text completion with its prompt, logprobs or token ids. */
export class DetailedCompletionBodyEncoder implements BodyEncoder {
  readonly wantsTokens: boolean
  readonly #call: Call<CompletionBody>
  readonly #features: CompletionFeatures

  constructor(call: Call<CompletionBody>) {
    this.#call = call
    this.#features = completionFeatures(call.body, call.context)
    this.wantsTokens = this.#features.logprobs !== undefined || this.#features.tokenIds
  }

  encode(choices: readonly Choice[]): string {
    return textCompletion(
      this.#call,
      choices,
      joinChoices(choices, choice => this.#choice(choice)),
    )
  }

  #choice(choice: Choice): string {
    const { index, outcome, tokens } = choice
    const { echo, tokenIds, promptLogprobs: count } = this.#features
    const prompt = this.#call.request.prompts[Math.floor(index / this.#call.request.n)]!
    const text = echo ? (prompt.text ?? '') + choice.text : choice.text
    let members = ''
    if (count !== undefined) members += `,"prompt_logprobs":${promptLogprobs(prompt.tokens ?? [], count)}`
    if (tokenIds) {
      members += `,"token_ids":[${tokens.map(token => token.id).join()}]`
      members += `,"prompt_token_ids":[${Array.from(prompt.tokenIds).join()}]`
    }
    return (
      `{"index":${index},"text":${JSON.stringify(text)},"logprobs":${this.#logprobs(choice)},` +
      `"finish_reason":"${outcome.finishReason}","stop_reason":${JSON.stringify(outcome.stopReason)}${members}}`
    )
  }

  #logprobs({ index, tokens }: Choice): string {
    const { logprobs, tokenName, echo } = this.#features
    if (logprobs === undefined) return 'null'
    const list = new TokenList(logprobs, tokenName)
    if (echo) list.addPrompt(this.#call.request.prompts[Math.floor(index / this.#call.request.n)]?.tokens ?? [])
    for (const token of tokens) list.add(token)
    return list.take()
  }
}
