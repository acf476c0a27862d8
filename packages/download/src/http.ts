import type { ClientRequest, IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import { PassThrough } from 'node:stream'
import { DownloadError } from './errors.ts'
import type { StartTimer } from './timer.ts'

/** Environment variables; packages do not read them on their own. */
export type Environment = Readonly<Record<string, string | undefined>>

/** One request over HTTP or HTTPS. */
export interface HttpRequest {
  method?: 'GET' | 'HEAD' | 'POST' | undefined
  headers?: Record<string, string>
  /** Sent with POST. */
  body?: string
  /** For the proxy variables `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, upper or lower case. */
  environment?: Environment | undefined
  /** Without it no time is limited. */
  startTimer?: StartTimer | undefined
  /** Longest wait for the answer's headers, and then for each further part of its body. */
  silenceMs?: number | undefined
  /** Longest time for everything; without it only silence ends a request. */
  totalMs?: number | undefined
  /** How many redirects are followed. Default 10. */
  redirects?: number | undefined
  /** Its abort ends the request. */
  signal?: AbortSignal | undefined
  /** Answers that redirect to another host are returned instead of followed. */
  sameHostOnly?: boolean
  /** Called with the final and every intermediate (redirecting) answer's headers. */
  onHeaders?: (response: IncomingMessage) => void
}

/** The answer's head; the body is read by iterating it, and must be read or destroyed. */
export interface HttpResponse {
  readonly status: number
  /** `Not Found`, also where the server gives no reason. */
  readonly statusText: string
  readonly headers: IncomingMessage['headers']
  /** Parts of the body; throws a DownloadError (`network`) when the connection breaks or falls silent. */
  readonly body: AsyncIterable<Buffer>
  /** Drops the connection. */
  destroy(): void
}

const REDIRECTS = new Set([301, 302, 303, 307, 308])

// An `import` of these modules would read all their exports and load undici with them.
const load = createRequire(import.meta.url)

/** Whether the environment names a proxy; names are then resolved there and not here. */
export function usesProxy(environment: Environment | undefined): boolean {
  const variables = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy']
  return environment !== undefined && variables.some(name => environment[name])
}

class Deadline {
  readonly #start: StartTimer | undefined
  #cancel: (() => void) | undefined

  constructor(start: StartTimer | undefined) {
    this.#start = start
  }

  set(milliseconds: number | undefined, run: () => void): void {
    this.clear()
    if (milliseconds !== undefined) this.#cancel = this.#start?.(milliseconds, run)
  }

  clear(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }
}

function failure(error: unknown): DownloadError {
  if (error instanceof DownloadError) return error
  const { message, code } = error as NodeJS.ErrnoException
  // A refused connection to several addresses has an empty message.
  return new DownloadError('network', message || code || 'connection failed', error)
}

/**
 * Sends a request and follows redirects. The `authorization` header is dropped when a redirect leaves the host.
 * @throws DownloadError (`network`) when no answer arrives
 */
export async function httpRequest(url: string, options: HttpRequest): Promise<HttpResponse> {
  const total = new Deadline(options.startTimer)
  const mostRedirects = options.redirects ?? 10
  let current = parse(url)
  let headers = options.headers ?? {}
  let abort: (error: Error) => void = () => {}
  if (options.totalMs !== undefined) {
    const { totalMs } = options
    total.set(totalMs, () => abort(new DownloadError('network', `no complete answer within ${totalMs} ms`)))
  }
  options.signal?.throwIfAborted()
  options.signal?.addEventListener('abort', () => abort(options.signal!.reason), { once: true })
  try {
    for (let redirects = 0; ; redirects++) {
      const { response, request, silence } = await send(current, headers, options, stop => (abort = stop))
      options.onHeaders?.(response)
      const target = targetOf(response, current)
      if (!target || (options.sameHostOnly && target.host !== current.host)) {
        return toResponse(response, request, silence, total, options)
      }
      silence.clear()
      response.resume()
      if (redirects >= mostRedirects) {
        throw new DownloadError('network', `max redirects (${mostRedirects + 1}) exceeded`)
      }
      if (target.origin !== current.origin) {
        headers = Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'))
      }
      current = target
    }
  } catch (error) {
    total.clear()
    throw failure(error)
  }
}

function parse(url: string): URL {
  const parsed = URL.parse(url)
  if (parsed === null) throw new DownloadError('network', `${JSON.stringify(url)} is not a URL`)
  return parsed
}

/** Where an answer sends the request; undefined if it does not. */
function targetOf(response: IncomingMessage, current: URL): URL | undefined {
  if (!REDIRECTS.has(response.statusCode!)) return undefined
  const { location } = response.headers
  if (location === undefined) throw new DownloadError('network', 'redirect without Location header')
  try {
    return new URL(location, current)
  } catch (error) {
    throw new DownloadError('network', `parse redirect ${JSON.stringify(location)}: ${(error as Error).message}`, error)
  }
}

async function send(
  url: URL,
  headers: Record<string, string>,
  options: HttpRequest,
  onStart: (abort: (error: Error) => void) => void,
): Promise<{ response: IncomingMessage; request: ClientRequest; silence: Deadline }> {
  const secure = url.protocol === 'https:'
  if (!secure && url.protocol !== 'http:') throw new DownloadError('network', `${url.href} is not an HTTP address`)
  const { Agent, request: start } = load(secure ? 'node:https' : 'node:http') as typeof import('node:http')
  const proxy = usesProxy(options.environment) ? { proxyEnv: options.environment } : {}
  const agent = new Agent({ keepAlive: false, ...proxy })
  const silence = new Deadline(options.startTimer)
  const body = options.method === 'POST' ? (options.body ?? '') : undefined
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const request = start(url, { method: options.method ?? 'GET', headers: { ...headers, ...length }, agent })
  onStart(error => request.destroy(error))
  const { silenceMs } = options
  silence.set(silenceMs, () => request.destroy(new DownloadError('network', `no answer within ${silenceMs} ms`)))
  request.end(body)
  return new Promise((resolve, reject) => {
    request.once('response', response => resolve({ response, request, silence }))
    request.on('error', error => {
      silence.clear()
      reject(error)
    })
  })
}

function toResponse(
  response: IncomingMessage,
  request: ClientRequest,
  silence: Deadline,
  total: Deadline,
  { silenceMs }: HttpRequest,
): HttpResponse {
  const finish = () => {
    silence.clear()
    total.clear()
  }
  const stalled = () => request.destroy(new DownloadError('network', `no data for ${silenceMs! / 1000} s`))
  silence.set(silenceMs, stalled)
  // A stream that fails forgets what has come and was not read yet.
  const received = response.pipe(new PassThrough())
  let cause: Error | undefined
  const fail = (error: Error) => {
    cause ??= error
    received.end()
  }
  request.on('error', fail)
  response.on('error', fail)
  async function* parts(): AsyncGenerator<Buffer> {
    try {
      for await (const part of received) {
        silence.set(silenceMs, stalled)
        yield part as Buffer
      }
      if (cause) throw failure(cause)
    } finally {
      finish()
      response.destroy()
    }
  }
  return {
    status: response.statusCode!,
    statusText: response.statusMessage || load('node:http').STATUS_CODES[response.statusCode!] || 'unknown',
    headers: response.headers,
    body: parts(),
    destroy: () => {
      finish()
      response.destroy()
    },
  }
}

/** A header that comes once, by its lower-case name. */
export function headerOf({ headers }: Pick<HttpResponse, 'headers'>, name: string): string | undefined {
  const value = headers[name]
  return Array.isArray(value) ? value[0] : value
}

/** The whole body as text. */
export async function readText(response: HttpResponse): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of response.body) parts.push(part)
  return Buffer.concat(parts).toString('utf8')
}
