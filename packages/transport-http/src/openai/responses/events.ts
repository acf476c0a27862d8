import type { EventStream } from '../../http/event-stream.ts'
import type { Step, Steps } from '../../http/feed.ts'
import { itemJson, type OutputItem, partJson } from './output-item.ts'
import type { ResponseRecord } from './response.ts'
import { sequenceTails } from './sequence-tails.ts'
import type { ResponseStatus } from './template.ts'

/** Characters from which on an event is sent in pieces. */
const longest = 16_384

const textTail = sequenceTails(',"logprobs":[]')
const plainTail = sequenceTails('')

/** Name of the event that carries a delta, per kind of item. */
const deltaEvents: Readonly<Record<OutputItem['kind'], string>> = {
  text: 'response.output_text.delta',
  reasoning: 'response.reasoning_text.delta',
  tool: 'response.function_call_arguments.delta',
}

/** Name of the event that ends a response, per status. OpenAI has none of its own for a cancelled one. */
const lastEvents: Readonly<Partial<Record<ResponseStatus, string>>> = {
  completed: 'response.completed',
  failed: 'response.failed',
  cancelled: 'response.incomplete',
}

/**
 * The events of one response, made from its record as they are asked for. The events of a record are always the same ones,
 * so a stream can be taken up again at any of them.
 */
export class ResponseEvents implements Steps {
  readonly #record: ResponseRecord
  readonly #out: EventStream
  readonly #after: number
  readonly #steps: Iterator<Step, void>
  #sequence = 0
  /** The place of the open item in the output. */
  #index = 0

  /** @param after number of the last event that is not to be sent again; -1 for all */
  constructor(record: ResponseRecord, out: EventStream, after = -1) {
    this.#record = record
    this.#out = out
    this.#after = after
    this.#steps = this.#all()
  }

  step(): Step | undefined {
    return this.#steps.next().value ?? undefined
  }

  /** Adds all for which there is something in the record. */
  pump(): void {
    for (let step = this.step(); step !== undefined && step !== 'none'; step = this.step());
  }

  *#all(): Generator<Step, void> {
    const record = this.#record
    const { background } = record
    const json = record.emptyJson(background ? 'queued' : 'in_progress')
    yield* this.#response('response.created', [json])
    if (background) yield* this.#response('response.queued', [json])
    while (!record.started) yield 'none'
    yield* this.#response('response.in_progress', [record.emptyJson('in_progress')])
    for (;;) {
      const item = record.items[this.#index]
      if (item) {
        yield* this.#item(item)
        this.#index++
      } else if (record.finished) break
      else yield 'none'
    }
    yield* this.#response(lastEvents[record.status]!, record.json())
  }

  *#item(item: OutputItem): Generator<Step, void> {
    yield* this.#event('response.output_item.added', this.#whole(itemJson(item, 'in_progress')))
    if (item.kind !== 'tool') {
      yield* this.#event('response.content_part.added', this.#members(item, '"part":', partJson(item.kind)))
    }
    yield* this.#deltas(item)
    yield* this.#finish(item)
  }

  *#deltas(item: OutputItem): Generator<Step, void> {
    const record = this.#record
    const detailed = item.kind === 'text' && record.withLogprobs
    const tailOf = item.kind === 'text' ? textTail : plainTail
    const type = deltaEvents[item.kind]
    const head = Buffer.from(`event: ${type}\ndata: {"type":"${type}",${this.#place(item)},"delta":"`).toString()
    const headBytes = Buffer.byteLength(head)
    for (let told = 0; ; ) {
      if (told === item.tokens.length) {
        if (record.finished || this.#index < record.items.length - 1) return
        yield 'none'
        continue
      }
      const token = item.tokens[told]!
      const at = told++
      const sequence = this.#sequence++
      if (sequence <= this.#after) continue
      let tail = tailOf(sequence)
      let bytes = tail.length
      if (detailed) {
        tail = `","logprobs":[${record.entry(token, at)}],"sequence_number":${sequence}}\n\n`
        bytes = Buffer.byteLength(tail)
      }
      this.#out.frame3(head, token.json, tail, headBytes + token.jsonBytes + bytes)
      yield 'event'
    }
  }

  *#finish(item: OutputItem): Generator<Step, void> {
    const record = this.#record
    const { kind } = item
    if (kind === 'tool') {
      const name = `"name":${JSON.stringify(item.name)},"arguments":"`
      yield* this.#event('response.function_call_arguments.done', this.#members(item, name, item.pieces(), '"'))
    } else {
      // The deltas had the logprobs, and the part that follows has them again.
      const [event, tail] =
        kind === 'text' ? ['response.output_text.done', '","logprobs":[]'] : ['response.reasoning_text.done', '"']
      yield* this.#event(event, this.#members(item, '"text":"', item.pieces(), tail))
      yield* this.#event('response.content_part.done', this.#members(item, '"part":', record.part(item, kind)))
    }
    yield* this.#event('response.output_item.done', this.#whole(record.itemJson(item)))
  }

  #members(item: OutputItem, head: string, value: Iterable<string>, tail?: string): Generator<string, void> {
    return around(`${this.#place(item)},${head}`, value, tail)
  }

  #whole(item: Iterable<string>): Generator<string, void> {
    return around(`"output_index":${this.#index},"item":`, item)
  }

  /** The members that say where in the output an event belongs. */
  #place({ kind, id }: OutputItem): string {
    const content = kind === 'tool' ? '' : ',"content_index":0'
    return `"item_id":${JSON.stringify(id)},"output_index":${this.#index}${content}`
  }

  #response(type: string, json: Iterable<string>): Generator<Step, void> {
    return this.#event(type, around('"response":', json))
  }

  /** @param members in pieces; a long event leaves in several frames */
  *#event(type: string, members: Iterable<string>): Generator<Step, void> {
    const sequence = this.#sequence++
    if (sequence <= this.#after) return
    let text = `event: ${type}\ndata: {"type":"${type}",`
    for (const piece of members) {
      text += piece
      if (text.length < longest) continue
      this.#out.frame(text)
      text = ''
      yield 'piece'
    }
    this.#out.frame(`${text},"sequence_number":${sequence}}\n\n`)
    yield 'event'
  }
}

function* around(head: string, value: Iterable<string>, tail = ''): Generator<string, void> {
  yield head
  yield* value
  yield tail
}
