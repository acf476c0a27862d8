import type { Outcome, SequenceView, Token } from '@vllm-sim/core-engine'
import { PartCursor, type Place } from '@vllm-sim/serving'
import type { StreamEncoder } from '../../generation/endpoint.ts'
import type { EventStream } from '../../http/event-stream.ts'
import { answerHead } from '../../output/head.ts'
import { imagePart } from '../../output/image.ts'
import { contentEntry } from '../../output/logprobs.ts'
import { runningUsage, totalUsage } from '../../output/usage.ts'
import type { ChatFeatures, ChatPlan } from './plan.ts'

/** One choice while it is streamed. */
interface Progress {
  readonly cursor: PartCursor
  /** Tokens so far, and how many of them are reasoning. */
  count: number
  reasoning: number
  /** The finish reason was sent with the last token. */
  finished: boolean
}

/** The chunks of a streamed chat completion with tool calls, reasoning, logprobs, token ids or an image. */
export class FullChatStream implements StreamEncoder {
  readonly #plan: ChatPlan
  readonly #features: ChatFeatures
  readonly #outcomes: Outcome[] = []
  readonly #progress: Progress[] = []
  #head = ''

  constructor(plan: ChatPlan, features: ChatFeatures) {
    this.#plan = plan
    this.#features = features
  }

  begin(): void {
    this.#head = `data: ${answerHead(this.#plan, `chatcmpl-${this.#plan.request.id}`, 'chat.completion.chunk')}`
  }

  tokens(out: EventStream, sequence: SequenceView, tokens: readonly Token[], count: number): void {
    const progress = (this.#progress[sequence.index] ??= this.#open(out, sequence))
    for (let i = 0; i < count; i++) {
      const last = sequence.final && i === count - 1
      this.#token(out, sequence, progress, tokens[i]!, last)
    }
  }

  finish(out: EventStream, sequence: SequenceView, outcome: Outcome): void {
    const { index } = sequence
    this.#outcomes[index] = outcome
    if (this.#features.image && outcome.finishReason !== 'cache_threshold') {
      const usage = this.#running(sequence, this.#progress[index])
      this.#chunk(out, index, `{"content":[${imagePart}]}`, 'null', 'null', usage, ',"modality":"image"')
    }
  }

  end(out: EventStream): void {
    const usage = totalUsage(this.#outcomes, this.#plan.request.n)
    for (let index = 0; index < this.#outcomes.length; index++) {
      if (this.#progress[index]?.finished) continue
      const { finishReason, stopReason } = this.#outcomes[index]!
      const reason = `"${finishReason}","stop_reason":${JSON.stringify(stopReason)}`
      this.#chunk(out, index, '{}', 'null', reason, this.#plan.usage.continuous ? usage : 'null')
    }
    if (this.#plan.usage.final) out.frame(`${this.#head}"usage":${usage},"choices":[]}\n\n`)
    out.frame('data: [DONE]\n\n')
  }

  #open(out: EventStream, sequence: SequenceView): Progress {
    const { index } = sequence
    const { role } = this.#plan
    const { echo, tokenIds, promptText } = this.#features
    const prompt = this.#plan.request.prompts[0]!
    const usage = this.#running(sequence, undefined)
    let members = ''
    if (tokenIds) members += `,"prompt_token_ids":[${Array.from(prompt.tokenIds).join()}]`
    if (promptText && prompt.text !== undefined) members += `,"prompt_text":${JSON.stringify(prompt.text)}`
    this.#chunk(out, index, `{"role":${role}}`, 'null', 'null', usage, members)
    if (echo !== '') this.#chunk(out, index, `{"content":${JSON.stringify(echo)}}`, 'null', 'null', usage)
    return { cursor: new PartCursor(sequence.parts), count: 0, reasoning: 0, finished: false }
  }

  #token(out: EventStream, sequence: SequenceView, progress: Progress, token: Token, last: boolean): void {
    const { logprobs, tokenName, tokenIds, reasoning } = this.#features
    const place = progress.cursor.next()
    const position = progress.count++
    if (place.kind === 'reasoning') progress.reasoning++
    const hidden = place.kind === 'reasoning' && !reasoning
    if (hidden && !tokenIds) return
    const shown = logprobs === undefined || hidden || place.kind === 'tool' ? undefined : logprobs
    const entries =
      shown === undefined ? 'null' : `{"content":[${contentEntry(token, position, shown, tokenName)}],"refusal":null}`
    progress.finished = last && place.kind === 'tool'
    const reason = progress.finished ? '"tool_calls","stop_reason":null' : 'null'
    const ids = tokenIds ? `,"token_ids":[${token.id}]` : ''
    const delta = hidden ? '{}' : this.#delta(place, token)
    this.#chunk(out, sequence.index, delta, entries, reason + ids, this.#running(sequence, progress))
  }

  #delta({ kind, tool, first }: Place, { json }: Token): string {
    if (tool) {
      const name = first ? JSON.stringify(tool.name) : 'null'
      return (
        `{"tool_calls":[{"index":${tool.index},"id":"${tool.id}","type":"function",` +
        `"function":{"name":${name},"arguments":"${json}"}}]}`
      )
    }
    if (kind === 'reasoning') return `{"reasoning_content":"${json}","reasoning":"${json}"}`
    return this.#features.image ? `{"content":[{"type":"text","text":"${json}"}]}` : `{"content":"${json}"}`
  }

  /** @param reason the finish reason as JSON, and what follows it in the choice */
  #chunk(
    out: EventStream,
    index: number,
    delta: string,
    logprobs: string,
    reason: string,
    usage: string,
    members = '',
  ): void {
    out.frame(
      `${this.#head}"usage":${usage},"choices":[{"index":${index},"delta":${delta},"logprobs":${logprobs},` +
        `"finish_reason":${reason}}]${members}}\n\n`,
    )
  }

  /** What a chunk says about usage. */
  #running(sequence: SequenceView, progress: Progress | undefined): string {
    if (!this.#plan.usage.continuous) return 'null'
    return runningUsage(sequence, progress?.count ?? 0, progress?.reasoning)
  }
}
