import type { Outcome, SequenceView, Token } from '@vllm-sim/core-engine'
import type { StreamEncoder } from '../../generation/endpoint.ts'
import type { EventStream } from '../../http/event-stream.ts'
import { ResponseEvents } from './events.ts'
import type { ResponsesPlan } from './plan.ts'
import { ResponseRecord } from './response.ts'
import type { ResponseStore } from './store.ts'

/** The events of a response. */
export class ResponseStream implements StreamEncoder {
  readonly #plan: ResponsesPlan
  readonly #store: ResponseStore
  #record: ResponseRecord | undefined
  #events: ResponseEvents | undefined

  constructor(plan: ResponsesPlan, store: ResponseStore) {
    this.#plan = plan
    this.#store = store
  }

  begin(out: EventStream): void {
    this.#record = new ResponseRecord(this.#plan)
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
    if (this.#plan.stored) this.#store.put(this.#record!)
  }

  /** The last events: with logprobs they are much longer than all before them. */
  rest(): ResponseEvents {
    return this.#events!
  }
}
