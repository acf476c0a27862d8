import type { Outcome, RequestError, SequenceView, Token } from '@vllm-sim/core-engine'
import type { ChatMessage } from '@vllm-sim/tokenizer'
import type { ApiContext } from '../context.ts'
import { contentEntry, type TokenName, tokenName } from '../generation/logprobs.ts'
import type { Call } from '../generation/lowered.ts'
import { PartCursor } from '../generation/parts.ts'
import type { InputItem } from './input.ts'
import { outputItem, reasoningPart, textPart } from './output-items.ts'
import { Piece } from './piece.ts'
import { logprobsOf, messagesOf, type ResponsesBody } from './request.ts'
import { type ResponseStatus, ResponseTemplate } from './template.ts'
import { responseUsage } from './usage.ts'

/**
 * All that there is of one response: what it consists of so far, and its object. Events are made from it, while it grows
 * or later.
 */
export class ResponseRecord {
  readonly id: string
  readonly background: boolean
  readonly pieces: Piece[] = []
  /** The input items as they were sent. */
  readonly input: readonly InputItem[]
  /** Ends the generation; present while a response is made in the background. */
  abort: (() => void) | undefined
  readonly #requestId: string
  readonly #messages: readonly ChatMessage[]
  readonly #template: ResponseTemplate
  readonly #context: ApiContext
  readonly #followers = new Set<() => void>()
  readonly #logprobs: number | undefined
  readonly #tokenName: TokenName
  readonly #hidesReasoning: boolean
  #cursor: PartCursor | undefined
  #status: ResponseStatus
  #completedAt: number | null = null
  #error: RequestError | undefined
  #usage: string | undefined

  constructor(call: Call<ResponsesBody>) {
    // Of the call only what is needed later: it holds the prompt and the responses before this one.
    const { body, context, id } = call
    this.id = `resp_${id}`
    this.background = body.background ?? false
    this.input = body.conversation.items
    this.#requestId = id
    this.#messages = messagesOf(body)
    this.#template = new ResponseTemplate(call, this.id, seconds(context))
    this.#context = context
    this.#logprobs = logprobsOf(body, context)
    this.#tokenName = tokenName({}, context)
    this.#hidesReasoning = body.include_reasoning === false
    this.#status = this.background ? 'queued' : 'in_progress'
  }

  /** Generation has begun. */
  get started(): boolean {
    return this.#status !== 'queued'
  }

  get status(): ResponseStatus {
    return this.#status
  }

  get finished(): boolean {
    return this.#status !== 'queued' && this.#status !== 'in_progress'
  }

  /** Entries of text deltas and parts are filled. */
  get withLogprobs(): boolean {
    return this.#logprobs !== undefined
  }

  /** What it costs to keep it, roughly, in bytes. */
  get weight(): number {
    let weight = this.#template.length
    for (const item of this.input) weight += itemWeight(item)
    for (const message of this.#messages) weight += weightOf(message)
    for (const piece of this.pieces) weight += piece.text.length + 8 * piece.tokens.length
    return weight
  }

  /** Adds tokens that were generated. */
  push(sequence: SequenceView, tokens: readonly Token[], count: number): void {
    if (this.#status === 'queued') this.#status = 'in_progress'
    const { parts } = sequence
    if (!parts) {
      const piece = this.pieces[0] ?? this.#open('text')
      for (let i = 0; i < count; i++) piece.tokens.push(tokens[i]!)
      return
    }
    const cursor = (this.#cursor ??= new PartCursor(parts))
    for (let i = 0; i < count; i++) {
      const { kind, tool, first } = cursor.next()
      if (kind === 'reasoning' && this.#hidesReasoning) continue
      const piece = first ? this.#open(kind, tool) : this.pieces.at(-1)!
      piece.tokens.push(tokens[i]!)
    }
  }

  /** Generation ended, in whatever way. */
  finish(outcome: Outcome): void {
    if (this.finished) return
    if (outcome.error) {
      this.#status = 'failed'
      this.#error = outcome.error
    } else if (outcome.finishReason === 'abort') this.#status = 'cancelled'
    else {
      if (this.pieces.every(piece => piece.kind === 'reasoning')) this.#open('text')
      this.#status = 'completed'
      this.#completedAt = seconds(this.#context)
      this.#usage = responseUsage(outcome)
    }
    this.abort = undefined
  }

  /** The Response object as it is now. */
  json(): string {
    return this.#template.json({
      status: this.#status,
      completedAt: this.#completedAt,
      error: this.#error ? responseError(this.#error) : 'null',
      output: this.pieces.map(piece => this.item(piece)).join(),
      usage: this.#usage,
    })
  }

  /** The Response object before there was any output. */
  emptyJson(status: ResponseStatus): string {
    return this.#template.json({ status, completedAt: null, error: 'null', output: '', usage: undefined })
  }

  /** A whole output item. */
  item(piece: Piece): string {
    return outputItem(piece, 'completed', piece.kind === 'tool' ? piece.text : this.part(piece))
  }

  /** The one part of a message or reasoning item. */
  part(piece: Piece): string {
    return piece.kind === 'text' ? textPart(piece.text, this.logprobs(piece)) : reasoningPart(piece.text)
  }

  /** Entries for the tokens of a text from `from` up to `to`, as JSON without brackets; empty when not asked for. */
  logprobs(piece: Piece, from = 0, to = piece.tokens.length): string {
    const count = this.#logprobs
    if (count === undefined || piece.kind !== 'text') return ''
    let list = ''
    for (let at = from; at < to; at++) {
      list += `${at > from ? ',' : ''}${contentEntry(piece.tokens[at]!, at, count, this.#tokenName)}`
    }
    return list
  }

  /** The conversation that a further response continues: all messages up to this response's own. */
  conversation(): ChatMessage[] {
    const messages = [...this.#messages]
    let reasoning: string | undefined
    for (const piece of this.pieces) {
      const text = piece.plainText()
      if (piece.kind === 'reasoning') {
        reasoning = text
        continue
      }
      messages.push({
        role: 'assistant',
        ...(piece.kind === 'text'
          ? { content: text }
          : { content: null, toolCalls: [{ id: piece.callId, name: piece.name, arguments: text }] }),
        ...(reasoning === undefined ? undefined : { reasoning }),
      })
      reasoning = undefined
    }
    return messages
  }

  /** Calls `run` whenever something was added, until the returned function is called. */
  follow(run: () => void): () => void {
    this.#followers.add(run)
    return () => this.#followers.delete(run)
  }

  /** Tells the followers that something was added. */
  notify(): void {
    for (const run of [...this.#followers]) run()
  }

  #open(kind: Piece['kind'], tool?: { readonly id: string; readonly name: string }): Piece {
    const prefix = kind === 'reasoning' ? 'rs_' : 'msg_'
    const piece = new Piece(kind, tool?.id ?? `${prefix}${this.#requestId}`, tool?.name)
    this.pieces.push(piece)
    return piece
  }
}

function seconds({ clock }: ApiContext): number {
  return Math.floor(clock.wall() / 1000)
}

/** The `error` member of a response that failed in the background. */
function responseError({ status, message, param }: RequestError): string {
  const code = status === 429 ? 'rate_limit_exceeded' : status < 500 ? 'invalid_prompt' : 'server_error'
  return JSON.stringify({ code, message, param })
}

function itemWeight(item: InputItem): number {
  let weight = 100
  for (const value of Object.values(item)) {
    weight += typeof value === 'string' ? value.length : (JSON.stringify(value)?.length ?? 0)
  }
  return weight
}

function weightOf({ content, toolCalls = [] }: ChatMessage): number {
  let weight = 100
  if (typeof content === 'string') weight += content.length
  else for (const part of content ?? []) weight += 100 + partLength(part)
  for (const call of toolCalls) weight += call.arguments.length
  return weight
}

function partLength({
  text = '',
  image_url,
  input_audio,
}: Exclude<ChatMessage['content'], string | null>[number]): number {
  return text.length + (image_url?.url.length ?? 0) + (input_audio?.data.length ?? 0)
}
