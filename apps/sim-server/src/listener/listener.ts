import type { Server } from 'node:http'
import type { RequestError } from '@vllm-sim/core-engine'
import type { Clock, Timeline } from '@vllm-sim/latency'
import {
  Connections,
  dispatch,
  type ListenTarget,
  type Logger,
  listen,
  removeAtExit,
  removeStaleSocket,
  targetUrl,
} from '@vllm-sim/service'
import { createHttpServer, failAnswers, type Handler } from '@vllm-sim/transport-http'
import type { Config } from '../config/index.ts'
import type { GrpcFront } from '../grpc/front.ts'
import { listenTarget } from './target.ts'
import { tlsSettings, usesTls } from './tls-settings.ts'

/** The port of an instance. */
export interface Listener {
  /** Opens it. @returns where clients reach it @throws ListenError */
  open(): Promise<{ readonly url: string; readonly port: number }>
  /** Ends the answers that are still being made with this error, each in the form of its protocol. */
  failAnswers(error: RequestError): void
  /** Closes it; connections that are still open after `limit` milliseconds are ended. */
  close(limit: number): Promise<void>
}

/**
 * Makes the listener of a configuration, TLS included.
 * @param grpc serves the connections that speak HTTP/2, if anything does
 * @param timeline of the engine: its long work makes way for new connections
 * @param clock the machine's clock
 * @throws CertificateError
 */
export async function createListener(
  config: Config,
  handle: Handler,
  grpc: GrpcFront | undefined,
  timeline: Timeline,
  clock: Clock,
  log: Logger,
): Promise<Listener> {
  const server = createHttpServer(handle, {
    keepAliveTimeout: config.httpKeepAliveSeconds * 1000,
    writeTimeout: config.writeTimeout,
    clock,
  })
  const target = listenTarget(config)
  const tls = usesTls(config)
  const layers = tls ? await addTls(server, config, grpc, clock, log) : plain(server, grpc)
  // After the layers: they take the place of Node's listeners.
  server.on('connection', () => timeline.newcomer())
  let forget: (() => void) | undefined
  return {
    async open() {
      if ('path' in target) await removeStaleSocket(target.path)
      const opened = await listen(server, target)
      server.on('error', err => log.error({ err }, 'the listener failed'))
      if ('path' in opened) forget = removeAtExit(opened.path)
      return { url: targetUrl(opened, tls), port: portOf(opened, config) }
    },
    failAnswers(error) {
      for (const socket of layers.connections.sockets) failAnswers(socket, error)
      grpc?.failCalls(error.message)
    },
    async close(limit) {
      layers.drop()
      grpc?.close()
      await layers.connections.close(clock, limit)
      forget?.()
    },
  }
}

interface Layers {
  readonly connections: Connections
  /** Ends what is not a connection yet, and what belongs to the listener only. */
  drop(): void
}

function plain(server: Server, grpc: GrpcFront | undefined): Layers {
  const dispatcher = grpc && dispatch(server, [grpc])
  return { connections: new Connections(server), drop: () => dispatcher?.drop() }
}

async function addTls(
  server: Server,
  config: Config,
  grpc: GrpcFront | undefined,
  clock: Clock,
  log: Logger,
): Promise<Layers> {
  const { createTlsEndpoint, plainTextRefusal, tlsProtocol } = await import('@vllm-sim/service/tls')
  const endpoint = await createTlsEndpoint(tlsSettings(config, grpc !== undefined), clock, log, socket => {
    connections.add(socket)
    if (grpc && socket.alpnProtocol === 'h2') grpc.serve(socket)
    else dispatcher.http1(socket)
  })
  const inClearText = grpc && config.grpcPlaintext ? [grpc] : []
  const dispatcher = dispatch(server, [tlsProtocol(endpoint), ...inClearText, plainTextRefusal])
  const connections = new Connections(server)
  return {
    connections,
    drop: () => {
      endpoint.close()
      dispatcher.drop()
    },
  }
}

function portOf(target: ListenTarget, config: Config): number {
  return 'path' in target ? config.port : target.port
}
