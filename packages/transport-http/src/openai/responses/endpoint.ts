import type { GenerationEndpoint } from '../../generation/endpoint.ts'
import { runInBackground } from './background.ts'
import { planResponses, type ResponsesPlan } from './plan.ts'
import type { ResponseStore } from './store.ts'
import { ResponseStream } from './stream.ts'
import { ResponseWhole } from './whole.ts'
import { decodeResponses, type ResponsesWire } from './wire.ts'

/** `POST /v1/responses`. @param store where responses are kept */
export function responsesEndpoint(store: ResponseStore): GenerationEndpoint<ResponsesWire, ResponsesPlan> {
  return {
    path: '/v1/responses',
    cacheThresholdHeader: false,
    decode: decodeResponses,
    needsStructure: wire => wire.functions.length > 0 || Boolean(wire.text?.format ?? wire.structured_outputs),
    plan: (wire, call) => planResponses(wire, call, store),
    whole: plan => new ResponseWhole(plan, store),
    stream: plan => new ResponseStream(plan, store),
    detached: (plan, res, headers) => {
      if (!plan.background) return false
      runInBackground(plan, store, res, headers)
      return true
    },
  }
}
