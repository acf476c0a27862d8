import type { Choice } from '@vllm-sim/serving'
import { byId } from '@vllm-sim/serving'
import type { WholeEncoder } from '../../generation/endpoint.ts'
import { ecTransferParams } from '../../output/ec-transfer.ts'
import { kvTransferMember } from '../../output/kv-transfer.ts'
import { contentEntry, promptLogprobs } from '../../output/logprobs.ts'
import { totalUsage } from '../../output/usage.ts'
import { type BodyText, joined, wholeAnswer } from '../../output/whole-answer.ts'
import type { GeneratePlan } from './plan.ts'

/** A generate answer that is sent whole: the reference's members and vLLM's. */
export class GenerateWhole implements WholeEncoder {
  readonly #plan: GeneratePlan

  constructor(plan: GeneratePlan) {
    this.#plan = plan
  }

  encode(choices: readonly Choice[]): BodyText {
    const { context, request, promptLogprobs: count } = this.#plan
    const prompt = request.prompts[0]!
    const outcomes = choices.map(choice => choice.outcome)
    const encoded = context.settings.mmEncoderOnly ? ecTransferParams(prompt.features) : undefined
    const head =
      `{"request_id":${JSON.stringify(request.id)},"model":${JSON.stringify(request.model)},` +
      `"created":${Math.floor(context.clock.wall() / 1000)},"choices":[`
    const tail =
      `],"usage":${totalUsage(outcomes, request.n)}` +
      `${count === undefined ? '' : `,"prompt_logprobs":${promptLogprobs(prompt.tokens ?? [], count)}`}` +
      `${kvTransferMember(this.#plan, outcomes[0]!)},"ec_transfer_params":${encoded ?? 'null'}}`
    return wholeAnswer(head, choices, choice => this.#choice(choice), tail)
  }

  #choice({ index, tokens, outcome }: Choice): BodyText {
    const count = this.#plan.logprobs
    const head = `{"index":${index},"logprobs":`
    const tail = `,"finish_reason":"${outcome.finishReason}","token_ids":[${tokens.map(token => token.id).join()}]}`
    if (count === undefined) return `${head}null${tail}`
    return surrounded(
      `${head}{"content":[`,
      joined(tokens, (token, at) => contentEntry(token, at, count, byId)),
      `],"refusal":null}${tail}`,
    )
  }
}

function* surrounded(head: string, pieces: Iterable<string>, tail: string): Generator<string> {
  yield head
  yield* pieces
  yield tail
}
