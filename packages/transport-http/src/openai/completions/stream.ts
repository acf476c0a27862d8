import type { Outcome, SequenceView, Token } from '@vllm-sim/core-engine'
import type { StreamEncoder } from '../../generation/endpoint.ts'
import { type EventStream, type TokenFrame, tokenFrame } from '../../http/event-stream.ts'
import { answerHead } from '../../output/head.ts'
import { runningUsage, totalUsage } from '../../output/usage.ts'
import type { CompletionPlan } from './plan.ts'

/** The chunks of a streamed text completion. */
export class CompletionStream implements StreamEncoder {
  readonly #plan: CompletionPlan
  readonly #outcomes: Outcome[] = []
  readonly #frames: TokenFrame[] = []
  #head = ''

  constructor(plan: CompletionPlan) {
    this.#plan = plan
  }

  begin(): void {
    this.#head = `data: ${answerHead(this.#plan, `cmpl-${this.#plan.request.id}-0`, 'text_completion')}`
  }

  tokens(out: EventStream, sequence: SequenceView, tokens: readonly Token[], count: number): void {
    const { index } = sequence
    if (this.#plan.usage.continuous) {
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
    const { final, continuous } = this.#plan.usage
    const usage = final ? totalUsage(this.#outcomes, this.#plan.request.n) : 'null'
    for (let index = 0; index < this.#outcomes.length; index++) {
      out.frame(this.#chunk(index, '', this.#outcomes[index]!, continuous ? usage : 'null'))
    }
    if (final) out.frame(`${this.#head}"usage":${usage},"choices":[]}\n\n`)
    out.frame('data: [DONE]\n\n')
  }

  #chunk(index: number, text: string, outcome: Outcome | null, usage: string): string {
    const reason = outcome ? `"${outcome.finishReason}","stop_reason":${JSON.stringify(outcome.stopReason)}` : 'null'
    return `${this.#head}"usage":${usage},"choices":[{"index":${index},"text":"${text}","logprobs":null,"finish_reason":${reason}}]}\n\n`
  }
}
