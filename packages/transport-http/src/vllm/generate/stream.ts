import type { Outcome, SequenceView, Token } from '@vllm-sim/core-engine'
import { byId } from '@vllm-sim/serving'
import type { StreamEncoder } from '../../generation/endpoint.ts'
import type { EventStream } from '../../http/event-stream.ts'
import { contentEntry } from '../../output/logprobs.ts'
import { runningUsage, totalUsage } from '../../output/usage.ts'
import type { GeneratePlan } from './plan.ts'

/**
 * The chunks of a streamed generate answer. The finish reason rides on the last token's chunk, so that token waits until
 * the reason is known, which is at once. Only an answer without any token has a chunk with the reason alone.
 */
export class GenerateStream implements StreamEncoder {
  readonly #plan: GeneratePlan
  readonly #head: string
  readonly #outcomes: Outcome[] = []
  /** Per choice its last token, until the reason is known. */
  readonly #last: (Token | undefined)[] = []

  constructor(plan: GeneratePlan) {
    this.#plan = plan
    this.#head = `data: {"request_id":${JSON.stringify(plan.request.id)},"choices":[`
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
    if (this.#plan.usage.final) {
      out.frame(`${this.#head}],"usage":${totalUsage(this.#outcomes, this.#plan.request.n)}}\n\n`)
    }
    out.frame('data: [DONE]\n\n')
  }

  /** @param position of the token in its choice, from 0 on */
  #chunk(out: EventStream, sequence: SequenceView, token: Token | undefined, position: number, reason: string): void {
    const count = this.#plan.logprobs
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
    if (!this.#plan.usage.continuous) return ''
    return `,"usage":${runningUsage(sequence, completion)}`
  }
}
