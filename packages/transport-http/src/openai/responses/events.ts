import type { EventStream } from '../../http/event-stream.ts'
import { type OutputItem, outputItem, reasoningPart, textPart } from './output-item.ts'
import type { ResponseRecord } from './response.ts'
import { sequenceTails } from './sequence-tails.ts'
import type { ResponseStatus } from './template.ts'

/** What is left to be told of a record: nothing for now, more at once, or nothing any more. */
export type Remaining = 'none' | 'more' | 'over'

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
 * The events of one response, made from its record: `pump` adds those for what was recorded since the last call. The
 * events of a record are always the same ones, so a stream can be taken up again at any of them.
 */
export class ResponseEvents {
  readonly #record: ResponseRecord
  readonly #out: EventStream
  readonly #after: number
  #sequence = 0
  #begun = false
  #progress = false
  #over = false
  /** The item that is being told, its place in the output, and how many of its tokens were told. */
  #open: OutputItem | undefined
  #index = 0
  #told = 0
  /** What stands before the delta in the open item's delta events, and its length in UTF-8 bytes. */
  #head = ''
  #headBytes = 0

  /** @param after number of the last event that is not to be sent again; -1 for all */
  constructor(record: ResponseRecord, out: EventStream, after = -1) {
    this.#record = record
    this.#out = out
    this.#after = after
  }

  /** @param limit most tokens to tell in this call */
  pump(limit = Number.POSITIVE_INFINITY): Remaining {
    const record = this.#record
    if (!this.#begun) this.#begin()
    if (!this.#progress && record.started) {
      this.#progress = true
      this.#response('response.in_progress', record.emptyJson('in_progress'))
    }
    let left = limit
    for (let item = record.items[this.#index]; item; item = record.items[this.#index]) {
      if (!this.#open) this.#start(item)
      const end = Math.min(item.tokens.length, this.#told + left)
      left -= end - this.#told
      this.#deltas(item, end)
      if (this.#told < item.tokens.length) return 'more'
      const complete = this.#index < record.items.length - 1 || record.finished
      if (!complete) break
      this.#finish(item)
    }
    if (!record.finished) return 'none'
    if (!this.#over) {
      this.#over = true
      this.#response(lastEvents[record.status]!, record.json())
    }
    return 'over'
  }

  #begin(): void {
    this.#begun = true
    const { background } = this.#record
    const json = this.#record.emptyJson(background ? 'queued' : 'in_progress')
    this.#response('response.created', json)
    if (background) this.#response('response.queued', json)
  }

  #start(item: OutputItem): void {
    this.#open = item
    this.#told = 0
    this.#event(
      'response.output_item.added',
      `"output_index":${this.#index},"item":${outputItem(item, 'in_progress', '')}`,
    )
    if (item.kind !== 'tool') {
      const part = item.kind === 'text' ? textPart('', '') : reasoningPart('')
      this.#event('response.content_part.added', `${this.#place(item)},"part":${part}`)
    }
    const type = deltaEvents[item.kind]
    const head = `event: ${type}\ndata: {"type":"${type}",${this.#place(item)},"delta":"`
    this.#head = Buffer.from(head).toString()
    this.#headBytes = Buffer.byteLength(head)
  }

  #deltas(item: OutputItem, end: number): void {
    const detailed = item.kind === 'text' && this.#record.withLogprobs
    const tailOf = item.kind === 'text' ? textTail : plainTail
    for (; this.#told < end; this.#told++) {
      const sequence = this.#sequence++
      if (sequence <= this.#after) continue
      const token = item.tokens[this.#told]!
      let tail = tailOf(sequence)
      let bytes = tail.length
      if (detailed) {
        const entry = this.#record.logprobs(item, this.#told, this.#told + 1)
        tail = `","logprobs":[${entry}],"sequence_number":${sequence}}\n\n`
        bytes = Buffer.byteLength(tail)
      }
      this.#out.frame3(this.#head, token.json, tail, this.#headBytes + token.jsonBytes + bytes)
    }
  }

  #finish(item: OutputItem): void {
    const record = this.#record
    const place = this.#place(item)
    if (item.kind === 'tool') {
      const name = JSON.stringify(item.name)
      this.#event('response.function_call_arguments.done', `${place},"name":${name},"arguments":"${item.text}"`)
    } else {
      // The deltas had the logprobs, and the part that follows has them again.
      const [event, logprobs] =
        item.kind === 'text' ? ['response.output_text.done', ',"logprobs":[]'] : ['response.reasoning_text.done', '']
      this.#event(event, `${place},"text":"${item.text}"${logprobs}`)
      this.#event('response.content_part.done', `${place},"part":${record.part(item)}`)
    }
    this.#event('response.output_item.done', `"output_index":${this.#index},"item":${record.itemJson(item)}`)
    this.#open = undefined
    this.#index++
  }

  /** The members that say where in the output an event belongs. */
  #place({ kind, id }: OutputItem): string {
    const content = kind === 'tool' ? '' : ',"content_index":0'
    return `"item_id":${JSON.stringify(id)},"output_index":${this.#index}${content}`
  }

  #response(type: string, json: string): void {
    this.#event(type, `"response":${json}`)
  }

  #event(type: string, members: string): void {
    const sequence = this.#sequence++
    if (sequence <= this.#after) return
    this.#out.frame(`event: ${type}\ndata: {"type":"${type}",${members},"sequence_number":${sequence}}\n\n`)
  }
}
