import type { Outcome, SequenceView, Token } from '@vllm-sim/core-engine'
import type { StreamEncoder } from '../../generation/endpoint.ts'
import type { EventStream } from '../../http/event-stream.ts'
import { answerHead } from '../../output/head.ts'
import { runningUsage, totalUsage } from '../../output/usage.ts'
import type { CompletionFeatures, CompletionPlan } from './plan.ts'
import { TokenList } from './token-list.ts'

/** One choice while it is streamed. */
interface Progress {
  count: number
  readonly logprobs: TokenList | undefined
}

/** The chunks of a streamed text completion with its prompt, logprobs or token ids. */
export class FullCompletionStream implements StreamEncoder {
  readonly #plan: CompletionPlan
  readonly #features: CompletionFeatures
  readonly #outcomes: Outcome[] = []
  readonly #progress: Progress[] = []
  #head = ''

  constructor(plan: CompletionPlan, features: CompletionFeatures) {
    this.#plan = plan
    this.#features = features
  }

  begin(): void {
    this.#head = `data: ${answerHead(this.#plan, `cmpl-${this.#plan.request.id}-0`, 'text_completion')}`
  }

  tokens(out: EventStream, sequence: SequenceView, tokens: readonly Token[], count: number): void {
    const { tokenIds } = this.#features
    const progress = (this.#progress[sequence.index] ??= this.#open(out, sequence))
    for (let i = 0; i < count; i++) {
      const token = tokens[i]!
      progress.count++
      progress.logprobs?.add(token)
      const members = tokenIds ? `,"token_ids":[${token.id}]` : ''
      this.#chunk(out, sequence, token.json, progress, `null${members}`)
    }
  }

  finish(_out: EventStream, sequence: SequenceView, outcome: Outcome): void {
    this.#outcomes[sequence.index] = outcome
  }

  end(out: EventStream): void {
    const usage = totalUsage(this.#outcomes, this.#plan.request.n)
    const shown = this.#plan.usage.continuous ? usage : 'null'
    this.#outcomes.forEach(({ finishReason, stopReason }, index) => {
      out.frame(
        `${this.#head}"usage":${shown},"choices":[{"index":${index},"text":"","logprobs":null,` +
          `"finish_reason":"${finishReason}","stop_reason":${JSON.stringify(stopReason)}}]}\n\n`,
      )
    })
    if (this.#plan.usage.final) out.frame(`${this.#head}"usage":${usage},"choices":[]}\n\n`)
    out.frame('data: [DONE]\n\n')
  }

  /** The first chunk of a choice has what belongs to the prompt, when anything of it was asked for. */
  #open(out: EventStream, sequence: SequenceView): Progress {
    const { echo, logprobs: count, tokenName, tokenIds } = this.#features
    const { request } = this.#plan
    const prompt = request.prompts[Math.floor(sequence.index / request.n)]!
    const logprobs = count === undefined ? undefined : new TokenList(count, tokenName)
    const progress = { count: 0, logprobs }
    if (echo) logprobs?.addPrompt(prompt.tokens ?? [])
    if (!echo && !tokenIds) return progress
    const text = echo ? JSON.stringify(prompt.text ?? '').slice(1, -1) : ''
    const members = tokenIds ? `,"prompt_token_ids":[${Array.from(prompt.tokenIds).join()}],"token_ids":[]` : ''
    this.#chunk(out, sequence, text, progress, `null${members}`)
    return progress
  }

  /** @param reason the finish reason as JSON, and what follows it in the choice */
  #chunk(out: EventStream, sequence: SequenceView, text: string, progress: Progress, reason: string): void {
    const usage = this.#plan.usage.continuous ? runningUsage(sequence, progress.count) : 'null'
    out.frame(
      `${this.#head}"usage":${usage},"choices":[{"index":${sequence.index},"text":"${text}",` +
        `"logprobs":${progress.logprobs?.take() ?? 'null'},"finish_reason":${reason}}]}\n\n`,
    )
  }
}
