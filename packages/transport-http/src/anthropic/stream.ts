import type { Outcome, SequenceView, Token } from '@vllm-sim/core-engine'
import { PartCursor, type Place } from '@vllm-sim/serving'
import type { StreamEncoder } from '../generation/endpoint.ts'
import { type EventStream, type TokenFrame, tokenFrame } from '../http/event-stream.ts'
import { messageJson, running, signatureOf, stopMembers, textBlock, thinkingBlock, toolBlock } from './message.ts'
import type { MessagesPlan } from './plan.ts'
import { deltaUsage } from './usage.ts'

const ping = 'event: ping\ndata: {"type":"ping"}\n\n'

/** What a delta is called, per kind of block, and the member that holds it. */
const deltas: Readonly<Record<Place['kind'], readonly [type: string, member: string]>> = {
  text: ['text_delta', 'text'],
  reasoning: ['thinking_delta', 'thinking'],
  tool: ['input_json_delta', 'partial_json'],
}

/** Frames of the first block, which is the only one of most answers; the same for all messages. */
const firstText = deltaFrame('text', 0)

/** The events of a streamed message. */
export class MessageStream implements StreamEncoder {
  readonly #plan: MessagesPlan
  #cursor: PartCursor | undefined
  #started = false
  #pinged = false
  /** Kind of the open block. */
  #open: Place['kind'] | undefined
  /** Blocks that were opened. */
  #blocks = 0
  /** One of them is not thinking. */
  #answered = false
  #frame: TokenFrame = firstText

  constructor(plan: MessagesPlan) {
    this.#plan = plan
  }

  tokens(out: EventStream, sequence: SequenceView, tokens: readonly Token[], count: number): void {
    this.#start(out, sequence)
    if (!sequence.parts) {
      if (!this.#open) this.#openBlock(out, 'text')
      const { head, tail, bytes } = this.#frame
      for (let i = 0; i < count; i++) {
        const token = tokens[i]!
        out.frame3(head, token.json, tail, bytes + token.jsonBytes)
      }
      return
    }
    const cursor = (this.#cursor ??= new PartCursor(sequence.parts))
    for (let i = 0; i < count; i++) {
      const { first, kind, tool } = cursor.next()
      if (first) this.#openBlock(out, kind, tool)
      const token = tokens[i]!
      const { head, tail, bytes } = this.#frame
      out.frame3(head, token.json, tail, bytes + token.jsonBytes)
    }
  }

  finish(out: EventStream, sequence: SequenceView, outcome: Outcome): void {
    this.#start(out, sequence)
    if (!this.#answered) this.#openBlock(out, 'text')
    this.#closeBlock(out)
    const usage = deltaUsage({
      input: outcome.promptTokens,
      cached: outcome.cachedTokens,
      output: outcome.completionTokens,
      thinking: outcome.reasoningTokens,
    })
    const delta = `{${stopMembers(outcome)},"container":null}`
    out.frame(`event: message_delta\ndata: {"type":"message_delta","delta":${delta},"usage":${usage}}\n\n`)
    out.frame('event: message_stop\ndata: {"type":"message_stop"}\n\n')
  }

  end(): void {
    // All was said when the one choice ended.
  }

  #start(out: EventStream, { promptTokens, cachedTokens }: SequenceView): void {
    if (this.#started) return
    this.#started = true
    const { id, model } = this.#plan.request
    const usage = { input: promptTokens, cached: cachedTokens, output: 0, thinking: 0 }
    const message = messageJson(id, model, { content: '', stop: running, usage })
    out.frame(`event: message_start\ndata: {"type":"message_start","message":${message}}\n\n`)
  }

  #openBlock(out: EventStream, kind: Place['kind'], tool?: Place['tool']): void {
    this.#closeBlock(out)
    const index = this.#blocks++
    this.#open = kind
    this.#frame = kind === 'text' && index === 0 ? firstText : deltaFrame(kind, index)
    if (kind !== 'reasoning') this.#answered = true
    // Where a call comes first the ping comes before it.
    if (kind === 'tool') this.#ping(out)
    const block = kind === 'tool' ? toolBlock(tool!, '{}') : kind === 'text' ? textBlock('') : thinkingBlock('', '')
    out.frame(
      `event: content_block_start\ndata: {"type":"content_block_start","index":${index},"content_block":${block}}\n\n`,
    )
    this.#ping(out)
  }

  #closeBlock(out: EventStream): void {
    if (!this.#open) return
    const index = this.#blocks - 1
    if (this.#open === 'reasoning') {
      const delta = `{"type":"signature_delta","signature":"${signatureOf(this.#plan.request.id)}"}`
      out.frame(
        `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":${delta}}\n\n`,
      )
    }
    this.#open = undefined
    out.frame(`event: content_block_stop\ndata: {"type":"content_block_stop","index":${index}}\n\n`)
  }

  /** Once per message, as the first block begins. */
  #ping(out: EventStream): void {
    if (this.#pinged) return
    this.#pinged = true
    out.frame(ping)
  }
}

function deltaFrame(kind: Place['kind'], index: number): TokenFrame {
  const [type, member] = deltas[kind]
  return tokenFrame(
    `event: content_block_delta\ndata: {"type":"content_block_delta","index":${index},"delta":{"type":"${type}","${member}":"`,
    '"}}\n\n',
  )
}
