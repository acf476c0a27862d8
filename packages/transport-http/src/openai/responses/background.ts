import type { ServerResponse } from 'node:http'
import type { Outcome, OutputSink, SequenceView, Token } from '@vllm-sim/core-engine'
import { type Headers, sendJson } from '../../http/reply.ts'
import { followResponse } from './follow.ts'
import type { ResponsesPlan } from './plan.ts'
import { ResponseRecord } from './response.ts'
import type { ResponseStore } from './store.ts'

/**
 * Makes a response without a client waiting for it. The answer tells at once that it is queued; a stream follows it.
 * @throws RequestError when the engine refuses it
 */
export function runInBackground(
  plan: ResponsesPlan,
  store: ResponseStore,
  res: ServerResponse,
  headers: Headers | undefined,
): void {
  const record = new ResponseRecord(plan)
  const queued = record.emptyJson('queued')
  const handle = plan.context.engine.submit(plan.request, new RecordSink(record, store))
  if (!record.finished) record.abort = () => handle.abort()
  store.put(record)
  if (plan.stream) followResponse(plan.context, record, res, -1, headers)
  else sendJson(res, 200, queued, headers)
}

/** Tokens after which a response is weighed again. */
const weighEvery = 1024

/** Puts what is generated into a record. */
class RecordSink implements OutputSink {
  readonly #record: ResponseRecord
  readonly #store: ResponseStore
  #unweighed = 0

  constructor(record: ResponseRecord, store: ResponseStore) {
    this.#record = record
    this.#store = store
  }

  onTokens(sequence: SequenceView, tokens: readonly Token[], count: number): boolean {
    this.#record.push(sequence, tokens, count)
    this.#unweighed += count
    if (this.#unweighed >= weighEvery) this.#weigh()
    if (!sequence.final) this.#record.notify()
    return true
  }

  onFinish(_sequence: SequenceView, outcome: Outcome): void {
    this.#record.finish(outcome)
    this.#weigh()
    this.#record.notify()
  }

  #weigh(): void {
    this.#unweighed = 0
    this.#store.weigh(this.#record)
  }
}
