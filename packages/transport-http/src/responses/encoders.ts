import { type Outcome, type SequenceView, Token } from '@vllm-sim/core-engine'
import type { BodyEncoder, Call, Choice, StreamEncoder } from '../generation/lowered.ts'
import type { EventStream } from '../http/event-stream.ts'
import { ResponseEvents } from './events.ts'
import { ResponseRecord } from './record.ts'
import { isStored, logprobsOf, type ResponsesBody } from './request.ts'
import type { ResponseStore } from './store.ts'

/** The Response object of an answer that is sent whole. */
export class ResponseBodyEncoder implements BodyEncoder {
  readonly wantsTokens: boolean
  readonly #call: Call<ResponsesBody>
  readonly #store: ResponseStore

  constructor(call: Call<ResponsesBody>, store: ResponseStore) {
    this.#call = call
    this.#store = store
    this.wantsTokens = logprobsOf(call.body, call.context) !== undefined
  }

  encode(choices: readonly Choice[]): string {
    const { sequence, text, tokens, outcome } = choices[0]!
    const record = new ResponseRecord(this.#call)
    // Plain text is kept in one piece: events that are made from it later have one delta.
    if (this.wantsTokens || sequence.parts) record.push(sequence, tokens, tokens.length)
    else record.push(sequence, [new Token(0, text)], text === '' ? 0 : 1)
    record.finish(outcome)
    if (isStored(this.#call.body)) this.#store.put(record)
    return record.json()
  }
}

/** The events of a response. */
export class ResponseStreamEncoder implements StreamEncoder {
  readonly #call: Call<ResponsesBody>
  readonly #store: ResponseStore
  #record: ResponseRecord | undefined
  #events: ResponseEvents | undefined

  constructor(call: Call<ResponsesBody>, store: ResponseStore) {
    this.#call = call
    this.#store = store
  }

  begin(out: EventStream): void {
    this.#record = new ResponseRecord(this.#call)
    this.#events = new ResponseEvents(this.#record, out)
  }

  tokens(_out: EventStream, sequence: SequenceView, tokens: readonly Token[], count: number): void {
    this.#record!.push(sequence, tokens, count)
    this.#events!.pump()
  }

  finish(_out: EventStream, _sequence: SequenceView, outcome: Outcome): void {
    this.#record!.finish(outcome)
  }

  end(): void {
    if (isStored(this.#call.body)) this.#store.put(this.#record!)
    this.#events!.pump()
  }
}
