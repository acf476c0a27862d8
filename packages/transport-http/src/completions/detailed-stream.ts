import type { Outcome, SequenceView, Token } from '@vllm-sim/core-engine'
import { answerHead } from '../generation/answer-head.ts'
import type { Call, StreamEncoder } from '../generation/endpoint.ts'
import { runningUsage, sumUsage, type UsageOptions, usageJson, usageOptions } from '../generation/usage.ts'
import type { EventStream } from '../http/event-stream.ts'
import { type CompletionFeatures, completionFeatures } from './features.ts'
import type { CompletionBody } from './request.ts'
import { TokenList } from './token-list.ts'

/** One choice while it is streamed. */
interface Progress {
  count: number
  readonly logprobs: TokenList | undefined
}

/** The chunks of a streamed text completion with its prompt, logprobs or token ids. */
export class DetailedCompletionStreamEncoder implements StreamEncoder {
  readonly #call: Call<CompletionBody>
  readonly #features: CompletionFeatures
  readonly #usage: UsageOptions
  readonly #outcomes: Outcome[] = []
  readonly #progress: Progress[] = []
  #head = ''

  constructor(call: Call<CompletionBody>) {
    this.#call = call
    this.#features = completionFeatures(call.body, call.context)
    this.#usage = usageOptions(call.body, call.context)
  }

  begin(): void {
    this.#head = `data: ${answerHead(this.#call, `cmpl-${this.#call.id}-0`, 'text_completion')}`
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
    const usage = usageJson(sumUsage(this.#outcomes, this.#call.request.n))
    const shown = this.#usage.continuous ? usage : 'null'
    this.#outcomes.forEach(({ finishReason, stopReason }, index) => {
      out.frame(
        `${this.#head}"usage":${shown},"choices":[{"index":${index},"text":"","logprobs":null,` +
          `"finish_reason":"${finishReason}","stop_reason":${JSON.stringify(stopReason)}}]}\n\n`,
      )
    })
    if (this.#usage.final) out.frame(`${this.#head}"usage":${usage},"choices":[]}\n\n`)
    out.frame('data: [DONE]\n\n')
  }

  /** The first chunk of a choice has what belongs to the prompt, when anything of it was asked for. */
  #open(out: EventStream, sequence: SequenceView): Progress {
    const { echo, logprobs: count, tokenName, tokenIds } = this.#features
    const { request } = this.#call
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
    const usage = this.#usage.continuous ? runningUsage(sequence, progress.count) : 'null'
    out.frame(
      `${this.#head}"usage":${usage},"choices":[{"index":${sequence.index},"text":"${text}",` +
        `"logprobs":${progress.logprobs?.take() ?? 'null'},"finish_reason":${reason}}]}\n\n`,
    )
  }
}
