import type { Outcome, SequenceView, Token } from '@vllm-sim/core-engine'
import { byId, contentEntry } from '../generation/logprobs.ts'
import type { Call, StreamEncoder } from '../generation/lowered.ts'
import { runningUsage, sumUsage, type UsageOptions, usageJson, usageOptions } from '../generation/usage.ts'
import type { EventStream } from '../http/event-stream.ts'
import { type GenerateBody, shownLogprobs } from './request.ts'

/**
 * The chunks of a streamed generate answer. The finish reason rides on the last token's chunk, so that token waits until
 * the reason is known, which is at once. Only an answer without any token has a chunk with the reason alone.
 */
export class GenerateStreamEncoder implements StreamEncoder {
  readonly #call: Call<GenerateBody>
  readonly #usage: UsageOptions
  readonly #logprobs: number | undefined
  readonly #head: string
  readonly #outcomes: Outcome[] = []
  /** Per choice its last token, until the reason is known. */
  readonly #last: (Token | undefined)[] = []

  constructor(call: Call<GenerateBody>) {
    this.#call = call
    this.#usage = usageOptions(call.body, call.context)
    this.#logprobs = shownLogprobs(call.body, call.context)
    this.#head = `data: {"request_id":${JSON.stringify(call.id)},"choices":[`
  }

  tokens(out: EventStream, sequence: SequenceView, tokens: readonly Token[], count: number): void {
    const now = sequence.final ? count - 1 : count
    const before = sequence.outputTokens - count
    for (let i = 0; i < now; i++) this.#chunk(out, sequence, tokens[i], before + i, 'null')
    if (sequence.final) this.#last[sequence.index] = tokens[count - 1]
  }

  finish(out: EventStream, sequence: SequenceView, outcome: Outcome): void {
    const { index } = sequence
    this.#outcomes[index] = outcome
    this.#chunk(out, sequence, this.#last[index], sequence.outputTokens - 1, `"${outcome.finishReason}"`)
    this.#last[index] = undefined
  }

  end(out: EventStream): void {
    if (this.#usage.final) {
      out.frame(`${this.#head}],"usage":${usageJson(sumUsage(this.#outcomes, this.#call.request.n))}}\n\n`)
    }
    out.frame('data: [DONE]\n\n')
  }

  /** @param position of the token in its choice, from 0 on */
  #chunk(out: EventStream, sequence: SequenceView, token: Token | undefined, position: number, reason: string): void {
    const count = this.#logprobs
    const entries =
      count === undefined || !token
        ? 'null'
        : `{"content":[${contentEntry(token, position, count, byId)}],"refusal":null}`
    out.frame(
      `${this.#head}{"index":${sequence.index},"logprobs":${entries},"finish_reason":${reason},` +
        `"token_ids":[${token ? token.id : ''}]}]${this.#running(sequence, position + 1)}}\n\n`,
    )
  }

  /** The member that tells the counts so far, when every chunk has one. */
  #running(sequence: SequenceView, completion: number): string {
    if (!this.#usage.continuous) return ''
    return `,"usage":${runningUsage(sequence, completion)}`
  }
}
