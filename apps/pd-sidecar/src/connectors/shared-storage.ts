import { type JsonText, JsonTextError, readJson } from '@vllm-sim/json-edit'
import { prefillOnly } from '@vllm-sim/pd-protocol'
import { collect } from '../http/collect.ts'
import { type Answer, LegError } from '../http/exchange.ts'
import { peekEvents } from '../http/peek.ts'
import { edited } from '../proxy/body.ts'
import { type Call, decoderFailure, largestAnswer } from '../proxy/call.ts'
import { Failure, ForeignAnswer, sendForeign } from '../proxy/failure.ts'
import type { ConnectorFactory } from './connector.ts'

/** Says that the decoder has not enough of the prompt in its cache. */
const belowThreshold = 'cache_threshold'

/**
 * A file system, or LMCache, that prefiller and decoder share: the prefiller's answer says nothing. A request with
 * `cache_hit_threshold` is decoded first, and prefilled only when the decoder has too little of it.
 */
export const sharedStorage: ConnectorFactory = () => ({
  name: 'shared-storage',
  pulls: false,
  async serve(prefill) {
    const { call, body, encoded } = prefill
    // What encoders made is on no decoder yet.
    if (!encoded && body.has('cache_hit_threshold') && (await decodeFirst(call, body))) return
    await prefill.prefill(edited(body, prefillOnly(call.api), { cache_hit_threshold: '0' }))
    await call.decode(body.edit({ set: { cache_hit_threshold: '0' } }))
  },
})

/** @returns whether the decoder had enough, or failed: the client has its answer then */
async function decodeFirst(call: Call, body: JsonText): Promise<boolean> {
  const { metrics, clock } = call.sidecar
  const start = clock.now()
  metrics.openLegs.add('decode', 1)
  try {
    const answer = await call.leg('decode', { upstream: call.decoder, body: [body.bytes] })
    const done = body.read('stream') === true ? await streamed(call, answer) : await whole(call, answer)
    if (done) metrics.durations.decode.observe((clock.now() - start) / 1000)
    return done
  } catch (error) {
    metrics.errors.inc('decode')
    throw error instanceof LegError ? decoderFailure(error, call) : error
  } finally {
    metrics.openLegs.add('decode', -1)
  }
}

async function whole(call: Call, answer: Answer): Promise<boolean> {
  const text = await collect(answer, largestAnswer)
  const { status } = answer.head
  if (status >= 200 && status < 300) {
    try {
      if (finishReason(readJson(text)) === belowThreshold) return false
    } catch (error) {
      if (!(error instanceof JsonTextError)) throw error
      throw new Failure(500, 'InternalServerError', `the decoder's answer is no JSON: ${error.message}`)
    }
  }
  sendForeign(call.res, new ForeignAnswer(answer.head, text))
  return true
}

async function streamed(call: Call, answer: Answer): Promise<boolean> {
  const { status } = answer.head
  // The first event only tells the role.
  const { events, rest } = await peekEvents(answer, 2)
  if (status >= 200 && status < 300 && events.some(isBelow)) {
    rest.drop()
    return false
  }
  await call.pass(rest)
  return true
}

function isBelow(data: Buffer): boolean {
  try {
    return finishReason(readJson(data)) === belowThreshold
  } catch (error) {
    if (error instanceof JsonTextError) return false
    throw error
  }
}

/** Why the first choice ended. */
function finishReason(answer: JsonText): unknown {
  const choices = answer.kind === 'object' ? answer.read('choices') : undefined
  return Array.isArray(choices) ? (choices[0] as { finish_reason?: unknown } | undefined)?.finish_reason : undefined
}
