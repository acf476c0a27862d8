import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Http2Server, IncomingHttpHeaders, ServerHttp2Session, ServerHttp2Stream } from 'node:http2'
import type { Socket } from 'node:net'
import type { Engine } from '@vllm-sim/core-engine'
import type { KvEventFeed, KvEventPublisher } from '@vllm-sim/kv-events'
import type { Protocol } from '@vllm-sim/service'
import type { Readiness } from '@vllm-sim/serving'
import type { GrpcApi, GrpcContext } from '@vllm-sim/transport-grpc'
import { type ApiContext, KeyCheck, type Route } from '@vllm-sim/transport-http'
import { hasCache } from '../assemble/cache.ts'
import type { Config } from '../config/index.ts'

/** What a client of HTTP/2 sends first (RFC 9113, 3.4). */
const preface = Buffer.from('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')

/** Paths of the services: known without loading them. A test compares them with the definition. */
export const servicePaths = [
  '/vllm.grpc.engine.VllmEngine',
  '/grpc.health.v1.Health',
  '/grpc.reflection.v1.ServerReflection',
  '/grpc.reflection.v1alpha.ServerReflection',
]

/**
 * Node ends a connection after about 1,000 cancelled calls, or with 10 MB unread. A gateway has all its clients on one
 * connection; these are as bounded, and as much more as it needs.
 */
const limits = { streamResetBurst: 50_000, streamResetRate: 5_000, maxSessionMemory: 256 }

/** Bytes that may be under way to us, per call and per connection. So much may come of what nobody reads any more. */
const streamWindow = 256 * 1024
const connectionWindow = 1024 * 1024

/** Headers of one call, bytes; and calls at a time. */
const settings = {
  initialWindowSize: streamWindow,
  maxHeaderListSize: 64 * 1024,
  maxConcurrentStreams: 10_000,
}

export interface GrpcFrontOptions {
  readonly config: Config
  readonly context: ApiContext
  readonly engine: Engine
  readonly readiness: Readiness
}

/** The gRPC side of an instance. It is loaded by the first connection that needs it, or before. */
export class GrpcFront implements Protocol {
  readonly #options: GrpcFrontOptions
  readonly #keys: KeyCheck | undefined
  readonly #sessions = new Set<ServerHttp2Session>()
  readonly #startedAt: number
  #loading: Promise<GrpcApi> | undefined
  #server: Promise<Http2Server> | undefined
  #closing = false
  /** Publishes KV events; set when there is one. */
  publisher: KvEventPublisher | undefined

  constructor(options: GrpcFrontOptions) {
    this.#options = options
    this.#startedAt = options.context.clock.now()
    const { apiKey } = options.config
    this.#keys = apiKey.length > 0 ? new KeyCheck(apiKey, false) : undefined
  }

  recognizes(head: Buffer): boolean | undefined {
    const length = Math.min(head.length, preface.length)
    if (head.compare(preface, 0, length, 0, length) !== 0) return false
    return head.length >= preface.length ? true : undefined
  }

  /** Takes a connection over, in clear text or TLS. */
  serve(socket: Socket): void {
    // Until the server has it, a client that leaves makes an error that nobody else hears.
    const drop = (): void => {
      socket.destroy()
    }
    socket.on('error', drop)
    this.#server ??= this.#createServer()
    this.#server.then(
      server => {
        socket.off('error', drop)
        // HTTP/1.1 lets a client close its half; here it has left, and its calls end.
        socket.allowHalfOpen = false
        socket.once('end', () => socket.destroy())
        if (!socket.destroyed) server.emit('connection', socket)
      },
      error => {
        this.#server = undefined
        this.#options.context.log.error({ err: error }, 'gRPC cannot be loaded')
        socket.destroy()
      },
    )
  }

  /** Loads the services, so that the first call need not wait for it. */
  async load(): Promise<void> {
    await (this.#server ??= this.#createServer())
  }

  /** Endpoints of HTTP/1.1 for gRPC-Web and Connect, which browsers speak. */
  get routes(): Route[] {
    const handle = (req: IncomingMessage, res: ServerResponse): void => {
      res.setHeader('access-control-expose-headers', 'grpc-status, grpc-message, grpc-status-details-bin')
      this.#api().then(
        api => api.http1(req, res),
        () => res.writeHead(503).end(),
      )
    }
    return servicePaths.map(path => ({ method: 'POST', path: `${path}/:method`, handle }))
  }

  /** No more calls on the open connections; each ends with its last call. */
  close(): void {
    this.#closing = true
    for (const session of this.#sessions) session.close()
  }

  /** Ends the calls that are still answered. */
  failCalls(message: string): void {
    void this.#loading?.then(api => api.failCalls(message)).catch(() => {})
  }

  #api(): Promise<GrpcApi> {
    this.#loading ??= this.#load().catch(error => {
      this.#loading = undefined
      throw error
    })
    return this.#loading
  }

  async #load(): Promise<GrpcApi> {
    const [{ createGrpcApi, LoadMeter, TokenizerArchive }, { modelFacts, serverFacts }] = await Promise.all([
      import('@vllm-sim/transport-grpc'),
      import('./facts.ts'),
    ])
    const { config, context, engine, readiness } = this.#options
    const load = new LoadMeter()
    load.usage = engine.snapshot().cacheUsage
    engine.observe(load)
    const grpc: GrpcContext = {
      ...context,
      control: engine,
      health: readiness,
      load,
      archive: new TokenizerArchive(context.tokenizer.directory),
      kvEvents: await this.#feed(),
      model: await modelFacts(config, context.tokenizer),
      server: serverFacts(config, this.#startedAt),
      rank: config.rank,
      ranks: config.dataParallelSize,
      portOf: rank => config.port + rank - config.rank,
      stalledAfter: config.writeTimeout,
      maxMessageBytes: config.grpcMaxMessageSizeMb * 1024 * 1024,
    }
    return createGrpcApi(grpc)
  }

  async #feed(): Promise<KvEventFeed | undefined> {
    const { config, context, engine } = this.#options
    if (!hasCache(config)) return undefined
    const { KvEventFeed } = await import('@vllm-sim/kv-events')
    if (this.publisher) return KvEventFeed.of(this.publisher)
    const { feed, observer } = KvEventFeed.own(context.timeline)
    engine.observe(observer)
    return feed
  }

  async #createServer(): Promise<Http2Server> {
    const [{ createServer }, api] = await Promise.all([import('node:http2'), this.#api()])
    const server = createServer({ ...limits, settings })
    server.on('session', session => this.#open(session))
    server.on('sessionError', () => {})
    server.on('stream', (stream, headers, _flags, rawHeaders) => {
      const call = stream as ServerHttp2Stream
      if (this.#allows(headers)) api.http2(call, headers, rawHeaders as unknown as string[])
      else api.refuse(call, 'Unauthorized')
    })
    return server
  }

  #open(session: ServerHttp2Session): void {
    if (this.#closing) session.close()
    session.setLocalWindowSize(connectionWindow)
    session.on('error', () => {})
    this.#sessions.add(session)
    session.once('close', () => this.#sessions.delete(session))
  }

  #allows(headers: IncomingHttpHeaders): boolean {
    return !this.#keys || this.#keys.allows({ url: headers[':path'] ?? '', method: headers[':method'], headers })
  }
}
