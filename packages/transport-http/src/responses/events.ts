import type { EventStream } from '../http/event-stream.ts'
import { outputItem, reasoningPart, textPart } from './output-items.ts'
import type { Piece } from './piece.ts'
import type { ResponseRecord } from './record.ts'
import { sequenceTails } from './sequence-tails.ts'
import type { ResponseStatus } from './template.ts'

/** What is left to be told of a record: nothing for now, more at once, or nothing any more. */
export type Remaining = 'none' | 'more' | 'over'

const textTail = sequenceTails(',"logprobs":[]')
const plainTail = sequenceTails('')

/** Name of the event that carries a delta, per kind of item. */
const deltaEvents: Readonly<Record<Piece['kind'], string>> = {
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
  #open: Piece | undefined
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
    for (let piece = record.pieces[this.#index]; piece; piece = record.pieces[this.#index]) {
      if (!this.#open) this.#start(piece)
      const end = Math.min(piece.tokens.length, this.#told + left)
      left -= end - this.#told
      this.#deltas(piece, end)
      if (this.#told < piece.tokens.length) return 'more'
      const complete = this.#index < record.pieces.length - 1 || record.finished
      if (!complete) break
      this.#finish(piece)
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

  #start(piece: Piece): void {
    this.#open = piece
    this.#told = 0
    this.#event(
      'response.output_item.added',
      `"output_index":${this.#index},"item":${outputItem(piece, 'in_progress', '')}`,
    )
    if (piece.kind !== 'tool') {
      const part = piece.kind === 'text' ? textPart('', '') : reasoningPart('')
      this.#event('response.content_part.added', `${this.#place(piece)},"part":${part}`)
    }
    const type = deltaEvents[piece.kind]
    const head = `event: ${type}\ndata: {"type":"${type}",${this.#place(piece)},"delta":"`
    this.#head = Buffer.from(head).toString()
    this.#headBytes = Buffer.byteLength(head)
  }

  #deltas(piece: Piece, end: number): void {
    const detailed = piece.kind === 'text' && this.#record.withLogprobs
    const tailOf = piece.kind === 'text' ? textTail : plainTail
    for (; this.#told < end; this.#told++) {
      const sequence = this.#sequence++
      if (sequence <= this.#after) continue
      const token = piece.tokens[this.#told]!
      let tail = tailOf(sequence)
      let bytes = tail.length
      if (detailed) {
        const entry = this.#record.logprobs(piece, this.#told, this.#told + 1)
        tail = `","logprobs":[${entry}],"sequence_number":${sequence}}\n\n`
        bytes = Buffer.byteLength(tail)
      }
      this.#out.frame3(this.#head, token.json, tail, this.#headBytes + token.jsonBytes + bytes)
    }
  }

  #finish(piece: Piece): void {
    const record = this.#record
    const place = this.#place(piece)
    if (piece.kind === 'tool') {
      const name = JSON.stringify(piece.name)
      this.#event('response.function_call_arguments.done', `${place},"name":${name},"arguments":"${piece.text}"`)
    } else {
      // The deltas had the logprobs, and the part that follows has them again.
      const [event, logprobs] =
        piece.kind === 'text' ? ['response.output_text.done', ',"logprobs":[]'] : ['response.reasoning_text.done', '']
      this.#event(event, `${place},"text":"${piece.text}"${logprobs}`)
      this.#event('response.content_part.done', `${place},"part":${record.part(piece)}`)
    }
    this.#event('response.output_item.done', `"output_index":${this.#index},"item":${record.item(piece)}`)
    this.#open = undefined
    this.#index++
  }

  /** The members that say where in the output an event belongs. */
  #place({ kind, itemId }: Piece): string {
    const content = kind === 'tool' ? '' : ',"content_index":0'
    return `"item_id":${JSON.stringify(itemId)},"output_index":${this.#index}${content}`
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
