import type { Outcome, RequestError, SequenceView, Token } from '@vllm-sim/core-engine'
import { PartCursor, type TokenName } from '@vllm-sim/serving'
import type { ChatMessage, ContentPart } from '@vllm-sim/tokenizer'
import type { ApiContext } from '../../context.ts'
import { contentEntry } from '../../output/logprobs.ts'
import { joined } from '../../output/whole-answer.ts'
import type { InputItem } from './input.ts'
import { itemJson, OutputItem, partJson } from './output-item.ts'
import { type ResponseStatus, ResponseTemplate } from './template.ts'
import { responseUsage } from './usage.ts'

/** What a response needs of its request. */
export interface ResponseRequest {
  readonly context: ApiContext
  /** The bare id. */
  readonly id: string
  /** Whose it is. */
  readonly owner: string
  readonly background: boolean
  /** The input items as they were sent. */
  readonly input: readonly InputItem[]
  /** The conversation up to the answer. */
  readonly messages: readonly ChatMessage[]
  /** What the object repeats of the request, as JSON without braces. */
  readonly shown: string
  /** Candidates per token, 0 for the chosen one alone; undefined: no logprobs. */
  readonly logprobs: number | undefined
  readonly tokenName: TokenName
  readonly hidesReasoning: boolean
  /** Length of the request as it was sent. */
  readonly bytes: number
}

/** Bytes that a message, and a token, cost to be kept beside their text. */
const perMessage = 100
const perToken = 40
/** The parsed members of a request take more memory than their text, also when there is little text in them. */
const perByte = 4

/**
 * All that there is of one response: what it consists of so far, and its object. Events are made from it, while it grows
 * or later.
 */
export class ResponseRecord {
  readonly id: string
  readonly owner: string
  readonly background: boolean
  readonly items: OutputItem[] = []
  /** The input items as they were sent. */
  readonly input: readonly InputItem[]
  /** Ends the generation; present while a response is made in the background. */
  abort: (() => void) | undefined
  readonly #request: Pick<ResponseRequest, 'id' | 'context' | 'logprobs' | 'tokenName' | 'hidesReasoning'> & {
    readonly weight: number
  }
  readonly #messages: readonly ChatMessage[]
  readonly #template: ResponseTemplate
  readonly #followers = new Set<() => void>()
  #cursor: PartCursor | undefined
  #status: ResponseStatus
  #completedAt: number | null = null
  #error: RequestError | undefined
  #usage: string | undefined
  #tokens = 0
  #characters = 0

  constructor(request: ResponseRequest) {
    // Only what is needed later: a plan holds the tokens of the whole prompt.
    const { id, owner, background, input, messages, shown, context, logprobs, tokenName, hidesReasoning, bytes } =
      request
    this.id = `resp_${id}`
    this.owner = owner
    this.background = background
    this.input = input
    const weight = perByte * bytes + messages.reduce((sum, message) => sum + weightOf(message), 0)
    this.#request = { id, context, logprobs, tokenName, hidesReasoning, weight }
    this.#messages = messages
    this.#template = new ResponseTemplate(this.id, seconds(context), shown)
    this.#status = background ? 'queued' : 'in_progress'
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
    return this.#request.logprobs !== undefined
  }

  /** What it costs to keep it, roughly, in bytes. */
  get weight(): number {
    return this.#request.weight + perToken * this.#tokens + this.#characters
  }

  /** Adds tokens that were generated. */
  push(sequence: SequenceView, tokens: readonly Token[], count: number): void {
    if (this.#status === 'queued') this.#status = 'in_progress'
    this.#tokens += count
    for (let i = 0; i < count; i++) this.#characters += tokens[i]!.text.length
    const { parts } = sequence
    if (!parts) {
      const item = this.items[0] ?? this.#open('text')
      for (let i = 0; i < count; i++) item.tokens.push(tokens[i]!)
      return
    }
    const cursor = (this.#cursor ??= new PartCursor(parts))
    for (let i = 0; i < count; i++) {
      const { kind, tool, first } = cursor.next()
      if (kind === 'reasoning' && this.#request.hidesReasoning) continue
      const item = first ? this.#open(kind, tool) : this.items.at(-1)!
      item.tokens.push(tokens[i]!)
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
      if (this.items.every(item => item.kind === 'reasoning')) this.#open('text')
      this.#status = 'completed'
      this.#completedAt = seconds(this.#request.context)
      this.#usage = responseUsage(outcome)
    }
    this.abort = undefined
  }

  /**
   * The Response object as it is now, in pieces: with logprobs it is many times as long as its text.
   * @param members further ones, each with the comma before it
   */
  json(members = ''): Generator<string, void> {
    const [head, tail] = this.#template.around({
      status: this.#status,
      completedAt: this.#completedAt,
      error: this.#error ? responseError(this.#error) : 'null',
      usage: this.#usage,
    })
    const items = this.items.map(item => this.itemJson(item))
    return listed(head, items, `${tail.slice(0, -1)}${members}}`)
  }

  /** The Response object before there was any output. */
  emptyJson(status: ResponseStatus): string {
    return this.#template.around({ status, completedAt: null, error: 'null', usage: undefined }).join('')
  }

  /** A whole output item, in pieces. */
  itemJson(item: OutputItem): Generator<string, void> {
    return itemJson(item, 'completed', item.kind === 'tool' ? item.pieces() : this.part(item, item.kind))
  }

  /** The one part of a message or reasoning item, in pieces. */
  part(item: OutputItem, kind: 'text' | 'reasoning'): Generator<string, void> {
    const { logprobs } = this.#request
    if (logprobs === undefined || kind !== 'text') return partJson(kind, item.pieces())
    const tokens = this.finished ? item.tokens : item.tokens.slice()
    return partJson(kind, item.pieces(), joined(tokens, this.entry))
  }

  /** The logprobs of one token of a text, at its place in it; only where they were asked for. */
  readonly entry = (token: Token, at: number): string => {
    const { logprobs, tokenName } = this.#request
    return contentEntry(token, at, logprobs ?? 0, tokenName)
  }

  /** The conversation that a further response continues: all messages up to this response's own. */
  conversation(): ChatMessage[] {
    const messages = [...this.#messages]
    let reasoning: string | undefined
    for (const item of this.items) {
      const text = item.plainText()
      if (item.kind === 'reasoning') {
        reasoning = text
        continue
      }
      messages.push({
        role: 'assistant',
        ...(item.kind === 'text'
          ? { content: text }
          : { content: null, toolCalls: [{ id: item.callId, name: item.name, arguments: text }] }),
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

  #open(kind: OutputItem['kind'], tool?: { readonly id: string; readonly name: string }): OutputItem {
    const prefix = kind === 'reasoning' ? 'rs_' : 'msg_'
    const item = new OutputItem(kind, tool?.id ?? `${prefix}${this.#request.id}`, tool?.name)
    this.items.push(item)
    return item
  }
}

/** Items in pieces, joined by commas, inside of something. */
function* listed(head: string, items: Iterable<string>[], tail: string): Generator<string, void> {
  yield head
  let between = ''
  for (const pieces of items) {
    yield between
    yield* pieces
    between = ','
  }
  yield tail
}

function seconds({ clock }: ApiContext): number {
  return Math.floor(clock.wall() / 1000)
}

/** The `error` member of a response that failed in the background. */
function responseError({ status, message, param }: RequestError): string {
  const code = status === 429 ? 'rate_limit_exceeded' : status < 500 ? 'invalid_prompt' : 'server_error'
  return JSON.stringify({ code, message, param })
}

function weightOf({ content, toolCalls = [] }: ChatMessage): number {
  let weight = perMessage
  if (typeof content === 'string') weight += content.length
  else for (const part of content ?? []) weight += perMessage + partLength(part)
  for (const call of toolCalls) weight += call.arguments.length
  return weight
}

function partLength({ text = '', image_url: image, input_audio: audio }: ContentPart): number {
  return text.length + (image?.url.length ?? 0) + (audio?.data.length ?? 0)
}
