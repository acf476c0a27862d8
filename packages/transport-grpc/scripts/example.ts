import { createServer, type ServerHttp2Stream } from 'node:http2'
import { RealClock, Token } from '@vllm-sim/core-engine'
import { createGrpcApi, createGrpcContext } from '@vllm-sim/transport-grpc'

// An engine of one's own: it says one word and stops.
const engine: Parameters<typeof createGrpcContext>[0]['engine'] = {
  maxModelLen: 1024,
  submit(request, sink) {
    const counts = { promptTokens: request.prompts[0]!.tokenIds.length, cachedTokens: 0, outputTokens: 1 }
    const sequence = { index: 0, request, ...counts, final: true, parts: undefined }
    sink.onTokens(sequence, [new Token(42, 'Hello')], 1)
    const outcome = {
      finishReason: 'stop',
      stopReason: null,
      completionTokens: 1,
      reasoningTokens: 0,
      ...counts,
    } as const
    sink.onFinish(sequence, outcome)
    return { abort() {}, resume() {} }
  },
}

const api = createGrpcApi(createGrpcContext({ engine, clock: new RealClock(), name: 'my-model' }))

export function serve(port: number) {
  const server = createServer()
  server.on('stream', (stream, headers, _flags, rawHeaders) => {
    api.http2(stream as ServerHttp2Stream, headers, rawHeaders as unknown as string[])
  })
  return server.listen(port)
}
