import type { Server } from 'node:http'
import { createRequire } from 'node:module'
import type { Socket } from 'node:net'
import type { Handler } from '../generation/pipeline.ts'
import { errorBody } from './errors.ts'

// An `import` would read every export of node:http and with them load undici: 16 MB and 25 ms that nothing here needs.
const { createServer, STATUS_CODES } = createRequire(import.meta.url)('node:http') as typeof import('node:http')

export interface HttpServerOptions {
  /** How long an idle connection is kept, milliseconds. */
  readonly keepAliveTimeout?: number
}

/** Time for a client to send its headers, and the whole request, milliseconds. */
const headersTimeout = 60_000
const requestTimeout = 300_000
/** Limits of a request's head: bytes, and lines. Node's own, a quarter of these, are less than what proxies let pass. */
const maxHeaderSize = 64 * 1024
const maxHeadersCount = 4000

/**
 * A `node:http` server for an API: connections may be half closed, malformed requests get an answer, silent connections
 * end.
 */
export function createHttpServer(listener: Handler, options: HttpServerOptions = {}): Server {
  const server = createServer(
    {
      keepAliveTimeout: options.keepAliveTimeout ?? 5000,
      headersTimeout,
      requestTimeout,
      maxHeaderSize,
      noDelay: true,
      insecureHTTPParser: false,
    },
    listener,
  )
  server.maxHeadersCount = maxHeadersCount
  // A client that has sent all it has to say may close its side and still gets the answer.
  ;(server as Server & { httpAllowHalfOpen: boolean }).httpAllowHalfOpen = true
  server.on('clientError', refuse)
  return server
}

const problems: Readonly<Record<string, readonly [status: number, message: string]>> = {
  HPE_HEADER_OVERFLOW: [431, 'Request header fields are too large'],
  HPE_CHUNK_EXTENSIONS_OVERFLOW: [413, 'Chunk extensions are too large'],
  ERR_HTTP_REQUEST_TIMEOUT: [408, 'The request did not arrive in time'],
}

/** Answers what is not HTTP, when nothing of another answer is on the way. */
function refuse(error: NodeJS.ErrnoException, socket: Socket): void {
  if (error.code === 'ECONNRESET' || !socket.writable || socket.writableLength > 0) {
    socket.destroy()
    return
  }
  const [status, message] = problems[error.code ?? ''] ?? [400, `Malformed HTTP request: ${error.message}`]
  const body = errorBody({ status, message, param: null })
  socket.end(
    `HTTP/1.1 ${status} ${STATUS_CODES[status]}\r\nContent-Type: application/json\r\nContent-Length: ${Buffer.byteLength(body)}\r\nConnection: close\r\n\r\n${body}`,
  )
}
