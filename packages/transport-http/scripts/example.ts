import { type Engine, RealClock, Token } from '@vllm-sim/core-engine'
import { createContext, createHttpApi, createHttpServer } from '@vllm-sim/transport-http'

// An engine of your own. This one gives every request the same two tokens at once.
const answer = [new Token(1, 'Hello '), new Token(2, 'there.')]
const submit: Engine['submit'] = (request, sink) => {
  const counts = { promptTokens: request.prompts[0]!.tokenIds.length, cachedTokens: 0 }
  const sequence = { index: 0, request, ...counts, outputTokens: 2, final: true, parts: undefined }
  sink.onTokens(sequence, answer, 2)
  sink.onFinish(sequence, {
    ...counts,
    finishReason: 'stop',
    stopReason: null,
    completionTokens: 2,
    reasoningTokens: 0,
  })
  return { abort() {}, resume() {} }
}
const engine = { maxModelLen: 4096, submit }
const context = createContext({ engine, model: 'my-model', clock: new RealClock() })
const api = createHttpApi(context, { ready: () => true, version: '1.0' })

export function serve(port: number) {
  return createHttpServer(api.listener).listen(port)
}
