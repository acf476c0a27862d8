import type { Outcome, SequenceView, Token } from '@vllm-sim/core-engine'
import type { StreamEncoder } from '../../generation/endpoint.ts'
import { type EventStream, type TokenFrame, tokenFrame } from '../../http/event-stream.ts'
import { answerHead } from '../../output/head.ts'
import { runningUsage, totalUsage } from '../../output/usage.ts'
import type { ChatPlan } from './plan.ts'

/** The chunks of a streamed chat completion that is nothing but text. */
export class ChatStream implements StreamEncoder {
  readonly #plan: ChatPlan
  readonly #outcomes: Outcome[] = []
  /** Per choice the constant parts of its token chunks; present once its role was sent. */
  readonly #frames: TokenFrame[] = []
  /** What all chunks begin with, and its length in UTF-8. */
  #head = ''
  #headBytes = 0

  constructor(plan: ChatPlan) {
    this.#plan = plan
  }

  begin(): void {
    this.#head = `data: ${answerHead(this.#plan, `chatcmpl-${this.#plan.request.id}`, 'chat.completion.chunk')}`
    this.#headBytes = Buffer.byteLength(this.#head)
  }

  tokens(out: EventStream, sequence: SequenceView, tokens: readonly Token[], count: number): void {
    const { index } = sequence
    const frame = (this.#frames[index] ??= this.#open(out, sequence))
    if (this.#plan.usage.continuous) {
      for (let i = 0; i < count; i++) {
        const usage = runningUsage(sequence, sequence.outputTokens - count + i + 1)
        this.#chunk(out, index, `{"content":"${tokens[i]!.json}"}`, null, usage)
      }
      return
    }
    const { head, tail, bytes } = frame
    for (let i = 0; i < count; i++) {
      const token = tokens[i]!
      out.frame3(head, token.json, tail, bytes + token.jsonBytes)
    }
  }

  finish(_out: EventStream, sequence: SequenceView, outcome: Outcome): void {
    this.#outcomes[sequence.index] = outcome
  }

  end(out: EventStream): void {
    const { final, continuous } = this.#plan.usage
    const usage = final ? totalUsage(this.#outcomes, this.#plan.request.n) : 'null'
    for (let index = 0; index < this.#outcomes.length; index++) {
      this.#chunk(out, index, '{}', this.#outcomes[index]!, continuous ? usage : 'null')
    }
    if (final) out.frame(`${this.#head}"usage":${usage},"choices":[]}\n\n`)
    out.frame('data: [DONE]\n\n')
  }

  #open(out: EventStream, sequence: SequenceView): TokenFrame {
    const { index } = sequence
    const { role, usage } = this.#plan
    this.#chunk(out, index, `{"role":${role}}`, null, usage.continuous ? runningUsage(sequence, 0) : 'null')
    return tokenFrame(
      `${this.#head}"usage":null,"choices":[{"index":${index},"delta":{"content":"`,
      '"},"logprobs":null,"finish_reason":null}]}\n\n',
    )
  }

  #chunk(out: EventStream, index: number, delta: string, outcome: Outcome | null, usage: string): void {
    const reason = outcome ? `"${outcome.finishReason}","stop_reason":${JSON.stringify(outcome.stopReason)}` : 'null'
    const rest = `"usage":${usage},"choices":[{"index":${index},"delta":${delta},"logprobs":null,"finish_reason":${reason}}]}\n\n`
    out.frame3(this.#head, rest, '', this.#headBytes + Buffer.byteLength(rest))
  }
}
