import type { Outcome, SequenceView, Token } from '@vllm-sim/core-engine'
import { answerHead } from '../generation/answer-head.ts'
import type { Call, StreamEncoder } from '../generation/endpoint.ts'
import { type TokenFrame, tokenFrame } from '../generation/token-frame.ts'
import { runningUsage, sumUsage, type UsageOptions, usageJson, usageOptions } from '../generation/usage.ts'
import type { EventStream } from '../http/event-stream.ts'
import type { CompletionBody } from './request.ts'

/** The chunks of a streamed text completion. */
export class CompletionStreamEncoder implements StreamEncoder {
  readonly #call: Call<CompletionBody>
  readonly #usage: UsageOptions
  readonly #outcomes: Outcome[] = []
  readonly #frames: TokenFrame[] = []
  #head = ''

  constructor(call: Call<CompletionBody>) {
    this.#call = call
    this.#usage = usageOptions(call.body, call.context)
  }

  begin(): void {
    this.#head = `data: ${answerHead(this.#call, `cmpl-${this.#call.id}-0`, 'text_completion')}`
  }

  tokens(out: EventStream, sequence: SequenceView, tokens: readonly Token[], count: number): void {
    const { index } = sequence
    if (this.#usage.continuous) {
      for (let i = 0; i < count; i++) {
        const usage = runningUsage(sequence, sequence.outputTokens - count + i + 1)
        out.frame(this.#chunk(index, tokens[i]!.json, null, usage))
      }
      return
    }
    const frame = (this.#frames[index] ??= tokenFrame(
      `${this.#head}"usage":null,"choices":[{"index":${index},"text":"`,
      '","logprobs":null,"finish_reason":null}]}\n\n',
    ))
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
      out.frame(this.#chunk(index, '', this.#outcomes[index]!, this.#usage.continuous ? usage : 'null'))
    }
    if (this.#usage.final) out.frame(`${this.#head}"usage":${usage},"choices":[]}\n\n`)
    out.frame('data: [DONE]\n\n')
  }

  #chunk(index: number, text: string, outcome: Outcome | null, usage: string): string {
    const reason = outcome ? `"${outcome.finishReason}","stop_reason":${JSON.stringify(outcome.stopReason)}` : 'null'
    return `${this.#head}"usage":${usage},"choices":[{"index":${index},"text":"${text}","logprobs":null,"finish_reason":${reason}}]}\n\n`
  }
}
