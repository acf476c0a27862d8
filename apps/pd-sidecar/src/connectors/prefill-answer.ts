import { type JsonText, readJson } from '@vllm-sim/json-edit'
import type { Call, Prefilled } from '../proxy/call.ts'
import { badGateway } from '../proxy/failure.ts'

/** What a prefiller answered. One without `kv_transfer_params` is told: the decoder will do the prefill itself. @throws Failure */
export function prefillAnswer({ sidecar: { metrics, log }, logFields }: Call, { body }: Prefilled): JsonText {
  let answer: JsonText
  try {
    answer = readJson(body)
  } catch (error) {
    metrics.errors.inc('prefill')
    throw badGateway(`the prefiller's answer is no JSON: ${(error as Error).message}`)
  }
  if (answer.kind !== 'object') {
    metrics.errors.inc('prefill')
    throw badGateway("the prefiller's answer is no JSON object")
  }
  const params = answer.get('kv_transfer_params')
  if (params === undefined || params.equals(nothing)) {
    metrics.withoutParams.inc()
    log.warn(logFields, "warning: missing 'kv_transfer_params' field in prefiller response")
  }
  return answer
}

const nothing = Buffer.from('null')
