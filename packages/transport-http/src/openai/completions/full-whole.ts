import type { Choice } from '@vllm-sim/serving'
import type { WholeEncoder } from '../../generation/endpoint.ts'
import { promptLogprobs } from '../../output/logprobs.ts'
import type { BodyText } from '../../output/whole-answer.ts'
import type { CompletionFeatures, CompletionPlan } from './plan.ts'
import { TokenList } from './token-list.ts'
import { textCompletion } from './whole.ts'

/** A text completion with its prompt, logprobs or token ids that is sent whole. */
export class FullCompletionWhole implements WholeEncoder {
  readonly #plan: CompletionPlan
  readonly #features: CompletionFeatures

  constructor(plan: CompletionPlan, features: CompletionFeatures) {
    this.#plan = plan
    this.#features = features
  }

  encode(choices: readonly Choice[]): BodyText {
    return textCompletion(this.#plan, choices, choice => this.#choice(choice))
  }

  #choice(choice: Choice): string {
    const { index, outcome, tokens } = choice
    const { echo, tokenIds, promptLogprobs: count } = this.#features
    const prompt = this.#plan.request.prompts[Math.floor(index / this.#plan.request.n)]!
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
    if (echo) list.addPrompt(this.#plan.request.prompts[Math.floor(index / this.#plan.request.n)]?.tokens ?? [])
    for (const token of tokens) list.add(token)
    return list.take()
  }
}
