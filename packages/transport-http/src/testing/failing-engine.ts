import type { AddressInfo } from 'node:net'
import { RequestError, type SequenceView, Token } from '@vllm-sim/core-engine'
import type { GenerationEngine } from '@vllm-sim/serving'
import { createHttpApi } from '../app.ts'
import type { ApiContext } from '../context.ts'
import { createHttpServer } from '../http/server.ts'

/** An engine that gives two tokens and then breaks. */
const failingEngine: GenerationEngine = {
  maxModelLen: 1024,
  submit(request, sink) {
    const sequence: SequenceView = {
      index: 0,
      request,
      promptTokens: 3,
      cachedTokens: 0,
      outputTokens: 2,
      final: false,
      parts: undefined,
    }
    sink.onTokens(sequence, [new Token(1, 'Hello '), new Token(2, 'wor')], 2)
    sink.onFinish(sequence, {
      finishReason: 'error',
      stopReason: null,
      promptTokens: 3,
      cachedTokens: 0,
      completionTokens: 2,
      reasoningTokens: 0,
      error: new RequestError(500, 'the engine broke'),
    })
    return { abort() {}, resume() {} }
  },
}

/** What a stream of `path` looks like when the engine breaks in the middle of it. */
export async function brokenStream(context: ApiContext, path: string, body: object): Promise<string> {
  const { listener } = createHttpApi({ ...context, engine: failingEngine }, { ready: () => true, version: '0' })
  const server = createHttpServer(listener)
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}${path}`
  try {
    const response = await fetch(url, { method: 'POST', body: JSON.stringify({ ...body, stream: true }) })
    return await response.text()
  } finally {
    server.close()
    server.closeAllConnections()
  }
}
