import type { ServerResponse } from 'node:http'
import type { Outcome, OutputSink, SequenceView, Token } from '@vllm-sim/core-engine'
import type { Call } from '../generation/lowered.ts'
import { type Headers, sendJson } from '../http/reply.ts'
import { followResponse } from './follow.ts'
import { ResponseRecord } from './record.ts'
import type { ResponsesBody } from './request.ts'
import type { ResponseStore } from './store.ts'

/**
 * Makes a response without a client waiting for it. The answer tells at once that it is queued; a stream follows it.
 * @throws RequestError when the engine refuses it
 */
export function runInBackground(
  call: Call<ResponsesBody>,
  store: ResponseStore,
  res: ServerResponse,
  headers: Headers | undefined,
): void {
  const record = new ResponseRecord(call)
  const queued = record.json()
  const handle = call.context.engine.submit(call.request, new RecordSink(record))
  if (!record.finished) record.abort = () => handle.abort()
  store.put(record)
  if (call.body.stream) followResponse(record, res, -1, headers)
  else sendJson(res, 200, queued, headers)
}

/** Puts what is generated into a record. */
class RecordSink implements OutputSink {
  readonly #record: ResponseRecord

  constructor(record: ResponseRecord) {
    this.#record = record
  }

  onTokens(sequence: SequenceView, tokens: readonly Token[], count: number): boolean {
    this.#record.push(sequence, tokens, count)
    if (!sequence.final) this.#record.notify()
    return true
  }

  onFinish(_sequence: SequenceView, outcome: Outcome): void {
    this.#record.finish(outcome)
    this.#record.notify()
  }
}
