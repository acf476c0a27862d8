import { once } from 'node:events'
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'

/** A web server for one test. `requests` is what it was asked, `handle` can be changed under way. */
export interface TestServer extends AsyncDisposable {
  url: string
  requests: IncomingMessage[]
  handle: RequestListener
}

/** Starts a web server on a free port. */
export async function startServer(handle: RequestListener): Promise<TestServer> {
  const http = createServer((request, response) => {
    server.requests.push(request)
    server.handle(request, response)
  })
  http.listen(0, '127.0.0.1')
  await once(http, 'listening')
  const server: TestServer = {
    url: `http://127.0.0.1:${(http.address() as AddressInfo).port}`,
    requests: [],
    handle,
    async [Symbol.asyncDispose]() {
      http.closeAllConnections()
      http.close()
      await once(http, 'close')
    },
  }
  return server
}

/** Serves bytes as a web server for files does: `Range`, `If-Range` and `ETag`. Paths that end in `.sha256` are 404. */
export function serveBytes(bytes: Uint8Array, etag = '"v1"', headers: Record<string, string> = {}): RequestListener {
  return (request, response) => {
    if (request.url?.endsWith('.sha256')) return notFound(response)
    const start = Number(request.headers.range?.match(/^bytes=(\d+)-$/)?.[1] ?? 0)
    const partial = start > 0 && request.headers['if-range'] === etag
    if (partial && start >= bytes.length) {
      response.writeHead(416, { 'content-range': `bytes */${bytes.length}` }).end()
      return
    }
    const body = partial ? bytes.subarray(start) : bytes
    response.writeHead(partial ? 206 : 200, {
      etag,
      'content-length': body.length,
      ...(partial ? { 'content-range': `bytes ${start}-${bytes.length - 1}/${bytes.length}` } : {}),
      ...headers,
    })
    response.end(body)
  }
}

/**
 * Sends the first bytes of what is promised. The connection breaks when `onProgress` hears that they have arrived, so that
 * it is certain how many did.
 */
export function breakAfter(
  bytes: Uint8Array,
  count: number,
  etag = '"v1"',
): { handle: RequestListener; onProgress(progress: { received: number }): void } {
  let open: ServerResponse | undefined
  return {
    handle: (_, response) => {
      open = response
      response.writeHead(200, { etag, 'content-length': bytes.length })
      response.write(bytes.subarray(0, count))
    },
    onProgress: ({ received }) => {
      if (received === count) open?.destroy()
    },
  }
}

/** Answers 404. */
export function notFound(response: ServerResponse): void {
  response.writeHead(404).end()
}
