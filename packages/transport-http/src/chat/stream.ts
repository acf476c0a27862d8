import type { Outcome, SequenceView, Token } from '@vllm-sim/core-engine'
import { answerHead } from '../generation/answer-head.ts'
import type { Call, StreamEncoder } from '../generation/endpoint.ts'
import { type TokenFrame, tokenFrame } from '../generation/token-frame.ts'
import { runningUsage, sumUsage, type UsageOptions, usageJson, usageOptions } from '../generation/usage.ts'
import type { EventStream } from '../http/event-stream.ts'
import { roleOf } from './answer.ts'
import type { ChatBody } from './request.ts'

/** The chunks of a streamed chat completion that is nothing but text. */
export class ChatStreamEncoder implements StreamEncoder {
  readonly #call: Call<ChatBody>
  readonly #usage: UsageOptions
  readonly #outcomes: Outcome[] = []
  /** Per choice the constant parts of its token chunks; present once its role was sent. */
  readonly #frames: TokenFrame[] = []
  #head = ''

  constructor(call: Call<ChatBody>) {
    this.#call = call
    this.#usage = usageOptions(call.body, call.context)
  }

  begin(): void {
    this.#head = `data: ${answerHead(this.#call, `chatcmpl-${this.#call.id}`, 'chat.completion.chunk')}`
  }

  tokens(out: EventStream, sequence: SequenceView, tokens: readonly Token[], count: number): void {
    const { index } = sequence
    const frame = (this.#frames[index] ??= this.#open(out, sequence))
    if (this.#usage.continuous) {
      for (let i = 0; i < count; i++) {
        const usage = runningUsage(sequence, sequence.outputTokens - count + i + 1)
        out.frame(this.#chunk(index, `{"content":"${tokens[i]!.json}"}`, null, usage))
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
    const usage = usageJson(sumUsage(this.#outcomes, this.#call.request.n))
    for (let index = 0; index < this.#outcomes.length; index++) {
      const outcome = this.#outcomes[index]!
      out.frame(this.#chunk(index, '{}', outcome, this.#usage.continuous ? usage : 'null'))
    }
    if (this.#usage.final) out.frame(`${this.#head}"usage":${usage},"choices":[]}\n\n`)
    out.frame('data: [DONE]\n\n')
  }

  #open(out: EventStream, sequence: SequenceView): TokenFrame {
    const { index } = sequence
    const role = JSON.stringify(roleOf(this.#call.body, this.#call.context))
    out.frame(this.#chunk(index, `{"role":${role}}`, null, this.#usage.continuous ? runningUsage(sequence, 0) : 'null'))
    return tokenFrame(
      `${this.#head}"usage":null,"choices":[{"index":${index},"delta":{"content":"`,
      '"},"logprobs":null,"finish_reason":null}]}\n\n',
    )
  }

  #chunk(index: number, delta: string, outcome: Outcome | null, usage: string): string {
    const reason = outcome ? `"${outcome.finishReason}","stop_reason":${JSON.stringify(outcome.stopReason)}` : 'null'
    return `${this.#head}"usage":${usage},"choices":[{"index":${index},"delta":${delta},"logprobs":null,"finish_reason":${reason}}]}\n\n`
  }
}
