import { RealClock, Token } from '@vllm-sim/core-engine'
import { type ContextOptions, createContext, createHttpApi, createHttpServer } from '@vllm-sim/transport-http'

// An engine of your own. This one gives every request the same two tokens at once.
const answer = [new Token(1, 'Hello '), new Token(2, 'there.')]
const engine: ContextOptions['engine'] = {
  maxModelLen: 4096,
  submit(request, sink) {
    const counts = { promptTokens: request.prompts[0]!.tokenIds.length, cachedTokens: 0 }
    const sequence = { index: 0, request, ...counts, outputTokens: 2, final: true, parts: undefined }
    sink.onTokens(sequence, answer, 2)
    const end = { finishReason: 'stop', stopReason: null, completionTokens: 2, reasoningTokens: 0 } as const
    sink.onFinish(sequence, { ...counts, ...end })
    return { abort() {}, resume() {} }
  },
}

export function serve(port: number) {
  const context = createContext({ engine, model: 'my-model', clock: new RealClock() })
  const api = createHttpApi(context, { ready: () => true, version: '1.0' })
  return createHttpServer(api.listener).listen(port)
}
