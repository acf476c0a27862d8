import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import { type Clock, RealClock } from '@vllm-sim/core-engine'
import type { Handler } from '../generation/pipeline.ts'
import { endInTurns } from './ends.ts'
import { toRequestError } from './errors.ts'
import { Pipeline } from './pipeline.ts'
import { refusal } from './refusal.ts'
import { sendError } from './reply.ts'
import { SlicedWork } from './sliced-work.ts'

// An `import` would read every export of node:http and with them load undici: 16 MB and 25 ms that nothing here needs.
const { createServer } = createRequire(import.meta.url)('node:http') as typeof import('node:http')

export interface HttpServerOptions {
  /** How long an idle connection is kept, milliseconds. */
  readonly keepAliveTimeout?: number
  /** How long a client may take nothing of what was sent to it before its connection is closed, milliseconds. */
  readonly writeTimeout?: number
  /** The machine's clock. */
  readonly clock?: Clock
}

/** Time for a client to send its headers, and the whole request, milliseconds. */
const headersTimeout = 60_000
const requestTimeout = 300_000
/** Limits of a request's head: bytes, and lines. Node's own, a quarter of these, are less than what proxies let pass. */
const maxHeaderSize = 64 * 1024
const maxHeadersCount = 4000

/**
 * A `node:http` server for an API: connections may be half closed, malformed requests get an answer, connections end
 * whose client says nothing or takes nothing. An error that the listener throws is answered with its status or 500.
 */
export function createHttpServer(listener: Handler, options: HttpServerOptions = {}): Server {
  const clock = options.clock ?? new RealClock()
  const pipeline = new Pipeline(clock, (req, res) => run(listener, req, res))
  const server = createServer(
    {
      keepAliveTimeout: options.keepAliveTimeout ?? 5000,
      headersTimeout,
      requestTimeout,
      maxHeaderSize,
      noDelay: true,
      insecureHTTPParser: false,
    },
    (req, res) => {
      if (res.socket) run(listener, req, res)
      else pipeline.add(req, res)
    },
  )
  endInTurns(server, clock)
  server.maxHeadersCount = maxHeadersCount
  // Nothing sent and nothing received for this long; `endStalled` decides what that means. A whole number: Node finds its
  // timers by it, and does so the long way when V8 keeps it as a fraction.
  server.timeout = Math.ceil(options.writeTimeout ?? 60_000)
  server.on('timeout', endStalled)
  // A client that has sent all it has to say may close its side and still gets the answer.
  ;(server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true
  // Node finds all connections that have said nothing for too long at the same moment.
  const refusals = new SlicedWork<() => void>(clock, refuse => refuse())
  server.on('clientError', (error: NodeJS.ErrnoException, socket: Socket) =>
    refusals.add(() => refuseMalformed(error, socket)),
  )
  return server
}

function run(listener: Handler, req: IncomingMessage, res: ServerResponse): void {
  try {
    listener(req, res)
  } catch (error) {
    sendError(res, toRequestError(error))
  }
}

/** The answer that Node is writing to a connection, under the name that it has had since the first versions. */
type Answering = Socket & { readonly _httpMessage?: ServerResponse | null }

/** Ends the connection of an answer that is not taken, or without any. One that waits for tokens has nothing to be taken. */
function endStalled(socket: Socket): void {
  if (!(socket as Answering)._httpMessage || socket.writableLength > 0) socket.destroy()
}

/** Connections that end after the present answer. */
const ending = new WeakSet<Socket>()

/** Answers what is not HTTP. The answer to the request before it is completed first, and nothing is put into it. */
function refuseMalformed(error: NodeJS.ErrnoException, socket: Socket): void {
  const answer = (socket as Answering)._httpMessage
  if (error.code === 'ECONNRESET' || !socket.writable) socket.destroy()
  else if (answer && (answer.req.complete || answer.headersSent)) {
    if (ending.has(socket)) return
    ending.add(socket)
    answer.once('close', () => socket.destroySoon())
  } else if (socket.writableLength > 0) socket.destroySoon()
  else socket.end(refusal(error))
}
