import { type JsonText, joined, type Pieces } from '@vllm-sim/json-edit'
import { collect } from '../http/collect.ts'
import { LegError } from '../http/exchange.ts'
import { type Call, type DecodeOptions, decoderFailure, largestAnswer } from '../proxy/call.ts'
import { Failure, ForeignAnswer } from '../proxy/failure.ts'

/** What is used of a chat answer. */
interface Answer {
  readonly [member: string]: unknown
  readonly choices?: readonly Choice[]
  readonly usage?: Usage
}

interface Choice {
  readonly [member: string]: unknown
  readonly message?: Readonly<Record<string, unknown>>
  readonly finish_reason?: unknown
  readonly logprobs?: { readonly content?: readonly unknown[] | null } | null
}

interface Usage {
  readonly [member: string]: unknown
  readonly prompt_tokens?: number
  readonly completion_tokens?: number
}

/** Members of a message that are text and go on in the next piece. */
const texts = ['content', 'reasoning', 'reasoning_content'] as const

/**
 * Decodes a chat answer in pieces of some tokens, each a request of its own that continues the message so far, and hands the client
 * one answer. What cannot be continued, several choices and calls of tools, is decoded in one.
 */
export async function decodeInPieces(call: Call, body: JsonText, options: DecodeOptions): Promise<void> {
  const size = call.sidecar.config.decodeChunkSize
  const budget = budgetOf(body)
  if (budget <= size || !canContinue(body)) {
    await call.decode([body.bytes], options)
    return
  }
  const { metrics, clock } = call.sidecar
  const start = clock.now()
  metrics.openLegs.add('decode', 1)
  try {
    const out = body.read('stream') === true ? new Streamed(call, body, options) : new Whole(call, options)
    const pieces = new PieceLoop(call, body, size, budget, options)
    await pieces.run(out)
  } catch (error) {
    metrics.errors.inc('decode')
    throw error instanceof LegError ? decoderFailure(error, call) : error
  } finally {
    metrics.openLegs.add('decode', -1)
    metrics.durations.decode.observe((clock.now() - start) / 1000)
  }
}

/** Tokens that a request asks for; infinity when it does not say. */
function budgetOf(body: JsonText): number {
  for (const name of ['max_completion_tokens', 'max_tokens']) {
    const value = body.read(name)
    if (typeof value === 'number' && value > 0) return value
  }
  return Number.POSITIVE_INFINITY
}

function canContinue(body: JsonText): boolean {
  const { n, tools } = { n: body.read('n') ?? 1, tools: body.read('tools') }
  return n === 1 && !(Array.isArray(tools) && tools.length > 0 && body.read('tool_choice') !== 'none')
}

interface Output {
  /** A piece. `message` is what it adds, `last` that there is none after it. */
  piece(answer: Answer, choice: Choice, last: boolean): void
  end(merged: Merged): void
  /** Something was sent. */
  readonly begun: boolean
  fail(error: Failure): void
}

/** All pieces so far. */
interface Merged {
  readonly first: Answer
  readonly choice: Choice
  readonly usage: Usage
}

class PieceLoop {
  readonly #call: Call
  readonly #body: JsonText
  readonly #size: number
  readonly #budget: number
  readonly #options: DecodeOptions
  #first: Answer | undefined
  #message: Record<string, unknown> = {}
  #logprobs: unknown[] | undefined
  #total = 0

  constructor(call: Call, body: JsonText, size: number, budget: number, options: DecodeOptions) {
    this.#call = call
    this.#body = body
    this.#size = size
    this.#budget = budget
    this.#options = options
  }

  async run(out: Output): Promise<void> {
    for (;;) {
      const asked = Math.min(this.#size, this.#budget - this.#total)
      let answer: Answer
      try {
        answer = await this.#ask(asked)
      } catch (error) {
        if (!out.begun || this.#call.signal.aborted) throw error
        out.fail(error instanceof Failure ? error : new Failure(502, 'BadGateway', (error as Error).message))
        return
      }
      const choice = answer.choices?.[0] ?? {}
      this.#first ??= answer
      const tokens = answer.usage?.completion_tokens ?? asked
      this.#total += tokens
      const text = this.#add(choice)
      const last = choice.finish_reason !== 'length' || this.#total >= this.#budget || (tokens === 0 && text === '')
      out.piece({ ...answer, id: this.#first['id'], created: this.#first['created'] }, choice, last)
      if (last) {
        out.end(this.#merged(choice))
        return
      }
    }
  }

  async #ask(tokens: number): Promise<Answer> {
    const { headers = [] } = this.#options
    const answer = await this.#call.leg('decode', {
      upstream: this.#call.decoder,
      body: this.#bodyFor(tokens),
      headers,
    })
    const text = await collect(answer, largestAnswer)
    const { status } = answer.head
    if (status < 200 || status >= 300) {
      throw this.#first === undefined
        ? new ForeignAnswer(answer.head, text)
        : new Failure(502, 'BadGateway', `the decoder answered ${status}`)
    }
    try {
      return JSON.parse(text.toString()) as Answer
    } catch (error) {
      throw new Failure(500, 'InternalServerError', `the decoder's answer is no JSON: ${(error as Error).message}`)
    }
  }

  #bodyFor(tokens: number): Pieces {
    const limit = String(tokens)
    const set: Record<string, string> = { max_tokens: limit, max_completion_tokens: limit, stream: 'false' }
    const remove = ['stream_options']
    const least = this.#body.read('min_tokens')
    if (typeof least === 'number') {
      const left = Math.min(tokens, least - this.#total)
      if (left > 0) set['min_tokens'] = String(left)
      else remove.push('min_tokens')
    }
    if (this.#first !== undefined) {
      remove.push('kv_transfer_params')
      set['messages'] = withMessage(this.#body.get('messages'), { role: 'assistant', content: '', ...this.#message })
      set['continue_final_message'] = 'true'
      set['add_generation_prompt'] = 'false'
    }
    return this.#body.edit({ set, remove })
  }

  /** Adds a piece to what there is. @returns its text */
  #add({ message = {}, logprobs }: Choice): string {
    let added = ''
    for (const name of texts) {
      const text = message[name]
      if (typeof text !== 'string') continue
      added += text
      this.#message[name] = `${this.#message[name] ?? ''}${text}`
    }
    if (logprobs?.content) (this.#logprobs ??= []).push(...logprobs.content)
    return added
  }

  #merged(choice: Choice): Merged {
    const first = this.#first!
    const prompt = first.usage?.prompt_tokens ?? 0
    return {
      first,
      choice: {
        ...choice,
        message: { role: 'assistant', ...choice.message, ...this.#message },
        ...(this.#logprobs ? { logprobs: { ...choice.logprobs, content: this.#logprobs } } : undefined),
      },
      usage: {
        ...first.usage,
        prompt_tokens: prompt,
        completion_tokens: this.#total,
        total_tokens: prompt + this.#total,
      },
    }
  }
}

/** The messages with one more. */
function withMessage(messages: Buffer | undefined, message: object): string {
  const text = messages?.toString().trimEnd() ?? '[]'
  const inner = text.slice(0, -1).trimEnd()
  return `${inner}${inner === '[' ? '' : ','}${JSON.stringify(message)}]`
}

/** One JSON answer. */
class Whole implements Output {
  readonly begun = false
  readonly #call: Call
  readonly #options: DecodeOptions

  constructor(call: Call, options: DecodeOptions) {
    this.#call = call
    this.#options = options
  }

  piece(): void {}

  fail(error: Failure): void {
    throw error
  }

  end({ first, choice, usage }: Merged): void {
    const { res } = this.#call
    const headers = ['content-type', 'application/json']
    const text = Buffer.from(JSON.stringify({ ...first, choices: [choice], usage }))
    const change = this.#options.change?.({ status: 200, reason: 'OK', modern: true, headers })
    const changed = change === undefined ? text : joined([...change.push(text), ...change.end()])
    res.writeHead(200, [...headers, 'content-length', String(changed.length)])
    res.end(changed)
  }
}

/** An event for each piece. */
class Streamed implements Output {
  readonly #call: Call
  readonly #withUsage: boolean
  readonly #change: ReturnType<NonNullable<DecodeOptions['change']>> | undefined
  readonly #headers = ['content-type', 'text/event-stream', 'cache-control', 'no-cache']
  begun = false

  constructor(call: Call, body: JsonText, { change }: DecodeOptions) {
    this.#call = call
    const options = body.read('stream_options') as { include_usage?: unknown } | null | undefined
    this.#withUsage = options?.include_usage === true
    this.#change = change?.({ status: 200, reason: 'OK', modern: true, headers: this.#headers })
  }

  piece(answer: Answer, choice: Choice, last: boolean): void {
    const { usage: _usage, choices: _choices, ...head } = answer
    const { message = {}, ...rest } = choice
    const { role, ...delta } = message
    const shown = {
      ...rest,
      delta: this.begun ? delta : { role: role ?? 'assistant', ...delta },
      finish_reason: last ? (choice.finish_reason ?? null) : null,
    }
    this.#event({ ...head, object: 'chat.completion.chunk', choices: [shown] })
  }

  end({ first, usage }: Merged): void {
    if (this.#withUsage) {
      const { id, created, model } = first as Record<string, unknown>
      this.#event({ id, object: 'chat.completion.chunk', created, model, choices: [], usage })
    }
    this.#finish()
  }

  fail({ status, type, message }: Failure): void {
    this.#event({ error: { object: 'error', message, type, param: '', code: status } })
    this.#finish()
  }

  #event(data: object): void {
    const { res } = this.#call
    if (!this.begun) res.writeHead(200, this.#headers)
    this.begun = true
    this.#write(Buffer.from(`data: ${JSON.stringify(data)}\n\n`))
  }

  #finish(): void {
    this.#write(Buffer.from('data: [DONE]\n\n'))
    for (const piece of this.#change?.end() ?? []) this.#call.res.write(piece)
    this.#call.res.end()
  }

  #write(text: Buffer): void {
    for (const piece of this.#change?.push(text) ?? [text]) this.#call.res.write(piece)
  }
}
