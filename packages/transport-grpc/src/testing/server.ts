import { createServer, type Http2Server, type ServerHttp2Session, type ServerHttp2Stream } from 'node:http2'
import type { AddressInfo } from 'node:net'
import {
  Engine,
  type EngineOptions,
  type LatencyOptions,
  latencyModel,
  noLatency,
  presetSentences,
  RealClock,
  randomMode,
  Timeline,
  type Token,
  toTokens,
} from '@vllm-sim/core-engine'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import type { GrpcContext } from '../context.ts'
import { createGrpcContext, type GrpcContextOptions } from '../default-context.ts'
import { createGrpcApi } from '../server.ts'

export interface TestServerOptions {
  readonly engine?: Partial<EngineOptions>
  readonly latency?: Partial<LatencyOptions>
  readonly context?: Partial<GrpcContextOptions>
}

/** A server on a free port of the loopback that speaks HTTP/2 only, with an engine that answers at once. */
export interface TestServer {
  readonly engine: Engine
  readonly context: GrpcContext
  /** `127.0.0.1:<port>` */
  readonly address: string
  close(): Promise<void>
}

export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const clock = new RealClock()
  const timeline = new Timeline(clock)
  const tokenizer = new SimulatedTokenizer()
  const outputTokens = (text: string): Token[] => toTokens(tokenizer.encodeOutput(text))
  const maxNumSeqs = options.engine?.maxNumSeqs ?? 50
  const engine = new Engine({
    timeline,
    seed: 1,
    maxNumSeqs,
    maxWaiting: 1000,
    maxModelLen: 1024,
    text: randomMode(presetSentences.map(outputTokens)),
    ...options.engine,
    latency: latencyModel({ ...noLatency, ...options.latency, maxNumSeqs }),
  })
  const context = createGrpcContext({
    engine,
    clock,
    tokenizer,
    timeline,
    socketTimeline: timeline,
    name: 'my-model',
    settings: { model: 'org/model' },
    server: { maxNumSeqs },
    portOf: rank => 8000 + rank,
    ...options.context,
  })
  const api = createGrpcApi(context)
  const server = createServer()
  const sessions = new Set<ServerHttp2Session>()
  server.on('session', session => {
    sessions.add(session)
    session.once('close', () => sessions.delete(session))
  })
  server.on('stream', (stream, headers, _flags, rawHeaders) =>
    api.http2(stream as ServerHttp2Stream, headers, rawHeaders as unknown as string[]),
  )
  const { port } = await listening(server)
  return {
    engine,
    context,
    address: `127.0.0.1:${port}`,
    async close() {
      for (const session of sessions) session.destroy()
      await new Promise(resolve => server.close(resolve))
    },
  }
}

async function listening(server: Http2Server): Promise<AddressInfo> {
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  return server.address() as AddressInfo
}
