import type { Server } from 'node:http'
import type { GenerationRequest, OutputSink, SequenceView, Timeline, Token } from '@vllm-sim/core-engine'
import { Timeline as RealTimeline, VirtualClock } from '@vllm-sim/core-engine'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import { type ApiContext, createHttpApi, createHttpServer } from '@vllm-sim/transport-http'

/** What takes the place of an engine. */
export type Submit = (request: GenerationRequest, sink: OutputSink) => void

/** The HTTP side of the server, without listener and engine. */
export function apiServer(submit: Submit): Server {
  const clock = new VirtualClock()
  const timeline: Timeline = new RealTimeline(clock)
  let ids = 0
  const context: ApiContext = {
    engine: {
      maxModelLen: 32_768,
      submit(request, output) {
        submit(request, output)
        return { abort() {}, resume() {} }
      },
    },
    tokenizer: new SimulatedTokenizer(),
    timeline,
    clock,
    settings: {
      model: 'm',
      servedNames: ['m'],
      maxBodyBytes: 4 << 20,
      requestIdHeaders: false,
      forceIncludeUsage: false,
      podHeaders: {},
      echo: false,
      anyModel: false,
      maxLogprobs: 20,
      tokensAsTokenIds: false,
      responseRole: 'assistant',
      toolCalls: {
        integers: { min: 0, max: 100 },
        numbers: { min: 0, max: 100 },
        arrayLength: { min: 1, max: 5 },
        optionalParameterPercent: 50,
        optionalFieldPercent: 50,
        extraCallPercent: 45,
        skipValidation: false,
      },
      reasoning: { enabled: false, percent: 100, maxTokens: 20 },
      mmEncoderOnly: false,
    },
    nextId: () => `${ids++}`.padStart(36, '0'),
    log: { debug() {}, info() {}, warn() {}, error() {} },
    draining: () => false,
    outputTokens: () => [],
  }
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
