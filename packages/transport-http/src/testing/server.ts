import type { AddressInfo } from 'node:net'
import {
  type Clock,
  Engine,
  type EngineOptions,
  echoMode,
  type LatencyOptions,
  latencyModel,
  noLatency,
  presetSentences,
  RealClock,
  randomMode,
  repeatMode,
  type TextMode,
  Timeline,
  type Token,
  toTokens,
} from '@vllm-sim/core-engine'
import { SimulatedTokenizer, type Tokenizer } from '@vllm-sim/tokenizer'
import { createHttpApi, type HttpApi, type HttpApiOptions } from '../app.ts'
import type { ApiContext, ApiSettings, HttpRecorder } from '../context.ts'
import { defaultSettings as serverDefaults } from '../default-context.ts'
import type { Handler } from '../generation/pipeline.ts'
import { createHttpServer, type HttpServerOptions } from '../http/server.ts'

/** The settings of a test's server unless it says otherwise. */
export const defaultSettings: ApiSettings = {
  ...serverDefaults,
  model: 'org/model',
  servedNames: ['my-model'],
  requestIdHeaders: true,
}

export interface TestServerOptions {
  readonly settings?: Partial<ApiSettings>
  readonly engine?: Partial<EngineOptions>
  readonly latency?: Partial<LatencyOptions>
  readonly clock?: Clock
  /** Time of sockets; the machine's when absent. */
  readonly socketClock?: Clock
  readonly tokenizer?: Tokenizer
  readonly api?: Partial<HttpApiOptions>
  readonly http?: HttpServerOptions
  /** Makes the handler of requests; the API's own listener when absent. */
  readonly handler?: (api: HttpApi) => Handler
  readonly recorder?: HttpRecorder
}

/** A server on a free port of the loopback, with an engine that answers at once unless told otherwise. */
export interface TestServer {
  readonly engine: Engine
  readonly context: ApiContext
  /** `http://127.0.0.1:<port>` */
  readonly url: string
  /** Sends JSON, or text as it is. */
  post(path: string, body: unknown, headers?: Record<string, string>): Promise<Response>
  /** Sends JSON and reads JSON of a successful answer. */
  json<T = Record<string, unknown>>(path: string, body: unknown, headers?: Record<string, string>): Promise<T>
  /** The frames of a stream, parsed; the last is the string `[DONE]`. */
  frames<T = Record<string, unknown>>(path: string, body: object, headers?: Record<string, string>): Promise<T[]>
  close(): Promise<void>
}

/** Starts a server. Call `close` at the end. */
export async function startServer(options: TestServerOptions = {}): Promise<TestServer> {
  const clock = options.clock ?? new RealClock()
  const timeline = new Timeline(clock)
  const tokenizer = options.tokenizer ?? new SimulatedTokenizer()
  const outputTokens = (text: string): Token[] => toTokens(tokenizer.encodeOutput(text))
  // Members may be getters over something that a test changes.
  const settings = Object.defineProperties(
    { ...defaultSettings },
    Object.getOwnPropertyDescriptors(options.settings ?? {}),
  ) as ApiSettings
  const engine = new Engine({
    timeline,
    seed: 42,
    maxNumSeqs: 64,
    maxWaiting: 1000,
    maxModelLen: 1024,
    latency: latencyModel({ ...noLatency, calculator: 'constant', maxNumSeqs: 64, ...options.latency }),
    text: textMode(settings, outputTokens),
    ...options.engine,
  })
  let ids = 0
  const context: ApiContext = {
    engine,
    tokenizer,
    timeline,
    clock,
    socketTimeline: new Timeline(options.socketClock ?? new RealClock()),
    settings,
    nextId: () => `test-${ids++}`,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    draining: () => false,
    outputTokens,
    ...(options.recorder ? { recorder: options.recorder } : undefined),
  }
  const api = createHttpApi(context, { ready: () => true, version: '0', ...options.api } as HttpApiOptions)
  // On a machine that pauses for seconds an idle connection would be closed just when it is used again.
  const server = createHttpServer(options.handler?.(api) ?? api.listener, {
    keepAliveTimeout: 600_000,
    ...options.http,
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve))
  const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}`
  const post: TestServer['post'] = (path, body, headers) =>
    fetch(url + path, {
      method: 'POST',
      headers: { 'content-type': 'application/json', ...headers },
      body: typeof body === 'string' ? body : JSON.stringify(body),
    })
  const succeed = async (path: string, body: unknown, headers?: Record<string, string>): Promise<string> => {
    const response = await post(path, body, headers)
    const text = await response.text()
    if (!response.ok) throw new Error(`${response.status} ${text}`)
    return text
  }
  return {
    engine,
    context,
    url,
    post,
    json: async (path, body, headers) => JSON.parse(await succeed(path, body, headers)),
    frames: async (path, body, headers) => parseFrames(await succeed(path, { ...body, stream: true }, headers)),
    close: () =>
      new Promise(resolve => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

function textMode(settings: ApiSettings, tokens: (text: string) => Token[]): TextMode {
  if (settings.mmEncoderOnly) return repeatMode(tokens('!')[0]!)
  return settings.echo ? echoMode : randomMode(presetSentences.map(tokens))
}

/** The data of server-sent events: `data: <json>` and an empty line each, `[DONE]` as a string. */
export function parseFrames<T>(text: string): T[] {
  if (!text.endsWith('\n\n')) throw new Error(`the stream ends within a frame: ${JSON.stringify(text.slice(-80))}`)
  return text
    .slice(0, -2)
    .split('\n\n')
    .map(frame => {
      if (!frame.startsWith('data: ')) throw new Error(`not a data frame: ${frame}`)
      const data = frame.slice('data: '.length)
      return data === '[DONE]' ? data : JSON.parse(data)
    })
}
