import type { Server } from 'node:http'
import type { GenerationRequest, OutputSink, SequenceView, Token } from '@vllm-sim/core-engine'
import { VirtualClock } from '@vllm-sim/core-engine'
import { createContext, createHttpApi, createHttpServer } from '@vllm-sim/transport-http'

/** What takes the place of an engine. */
export type Submit = (request: GenerationRequest, sink: OutputSink) => void

/** The HTTP side of the server, without listener and engine. */
export function apiServer(submit: Submit): Server {
  let ids = 0
  const context = createContext({
    engine: {
      maxModelLen: 32_768,
      submit(request, output) {
        submit(request, output)
        return { abort() {}, resume() {} }
      },
    },
    clock: new VirtualClock(),
    model: 'm',
    nextId: () => `${ids++}`.padStart(36, '0'),
  })
  const { listener } = createHttpApi(context, { ready: () => true, version: '0' })
  return createHttpServer(listener)
}

/** What a sink sees of the only sequence of a request. */
export function viewOf(request: GenerationRequest, outputTokens: number, final: boolean): SequenceView {
  return { index: 0, request, promptTokens: 8, cachedTokens: 0, outputTokens, final, parts: undefined }
}

/** Hands out a whole answer at once. */
export function answerWith(tokens: readonly Token[]): Submit {
  return (request, output) => {
    const view = viewOf(request, tokens.length, true)
    output.onTokens(view, tokens, tokens.length)
    output.onFinish(view, {
      finishReason: 'length',
      stopReason: null,
      promptTokens: 8,
      cachedTokens: 0,
      completionTokens: tokens.length,
      reasoningTokens: 0,
    })
  }
}
