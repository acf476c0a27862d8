import type { ClientRequest, IncomingMessage } from 'node:http'
import { createRequire } from 'node:module'
import { TokenizerError } from '../errors.ts'
import type { StartTimer } from '../timer.ts'

/** Environment variables; packages do not read them on their own. */
export type Environment = Readonly<Record<string, string | undefined>>

/** One request over HTTP or HTTPS. */
export interface HttpRequest {
  method?: 'GET' | 'HEAD' | 'POST' | undefined
  headers?: Record<string, string>
  /** Sent with POST. */
  body?: string
  /** For the proxy variables `HTTP_PROXY`, `HTTPS_PROXY` and `NO_PROXY`, upper or lower case. */
  environment?: Environment
  startTimer: StartTimer
  /** Longest wait for the answer's headers, and then for each further part of its body. */
  silenceMs: number
  /** Longest time for everything; without it only silence ends a request. */
  totalMs?: number
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
  readonly headers: IncomingMessage['headers']
  /** Parts of the body; throws a TokenizerError (`network`) when the connection breaks or falls silent. */
  readonly body: AsyncIterable<Buffer>
  /** Drops the connection. */
  destroy(): void
}

const MAX_REDIRECTS = 10
const REDIRECTS = new Set([301, 302, 303, 307, 308])

/** Undefined on Node before 24.5, which then simply connects without a proxy. */
// An `import` of these modules would read all their exports and load undici with them.
const load = createRequire(import.meta.url)

/** Whether the environment names a proxy; names are then resolved there and not here. */
export function usesProxy(environment: Environment | undefined): boolean {
  const variables = ['HTTP_PROXY', 'http_proxy', 'HTTPS_PROXY', 'https_proxy']
  return environment !== undefined && variables.some(name => environment[name])
}

class Deadline {
  readonly #start: StartTimer
  #cancel: (() => void) | undefined

  constructor(start: StartTimer) {
    this.#start = start
  }

  set(milliseconds: number, run: () => void): void {
    this.clear()
    this.#cancel = this.#start(milliseconds, run)
  }

  clear(): void {
    this.#cancel?.()
    this.#cancel = undefined
  }
}

function failure(error: unknown): TokenizerError {
  if (error instanceof TokenizerError) return error
  const { message, code } = error as NodeJS.ErrnoException
  // A refused connection to several addresses has an empty message.
  return new TokenizerError(message || code || 'connection failed', 'network', { cause: error })
}

/**
 * Sends a request and follows redirects. The `authorization` header is dropped when a redirect leaves the host.
 * @throws TokenizerError (`network`) when no answer arrives
 */
export async function httpRequest(url: string, options: HttpRequest): Promise<HttpResponse> {
  const total = new Deadline(options.startTimer)
  let current = new URL(url)
  let headers = options.headers ?? {}
  let abort: (error: Error) => void = () => {}
  if (options.totalMs !== undefined) {
    const { totalMs } = options
    total.set(totalMs, () => abort(new TokenizerError(`no complete answer within ${totalMs} ms`, 'network')))
  }
  options.signal?.throwIfAborted()
  options.signal?.addEventListener('abort', () => abort(options.signal!.reason), { once: true })
  try {
    for (let redirects = 0; ; redirects++) {
      const { response, request, silence } = await send(current, headers, options, stop => (abort = stop))
      options.onHeaders?.(response)
      const { location } = response.headers
      const target =
        REDIRECTS.has(response.statusCode!) && location !== undefined ? new URL(location, current) : undefined
      if (!target || (options.sameHostOnly && target.host !== current.host)) {
        return toResponse(response, request, silence, total, options)
      }
      silence.clear()
      response.resume()
      if (redirects >= MAX_REDIRECTS) throw new TokenizerError(`more than ${MAX_REDIRECTS} redirects`, 'network')
      if (target.host !== current.host) {
        headers = Object.fromEntries(Object.entries(headers).filter(([name]) => name.toLowerCase() !== 'authorization'))
      }
      current = target
    }
  } catch (error) {
    total.clear()
    throw failure(error)
  }
}

async function send(
  url: URL,
  headers: Record<string, string>,
  options: HttpRequest,
  onStart: (abort: (error: Error) => void) => void,
): Promise<{ response: IncomingMessage; request: ClientRequest; silence: Deadline }> {
  const secure = url.protocol === 'https:'
  if (!secure && url.protocol !== 'http:') throw new TokenizerError(`${url.href} is not an HTTP address`, 'network')
  const { Agent, request: start } = load(secure ? 'node:https' : 'node:http') as typeof import('node:http')
  const proxy = usesProxy(options.environment) ? { proxyEnv: options.environment } : {}
  const agent = new Agent({ keepAlive: false, ...proxy })
  const silence = new Deadline(options.startTimer)
  const body = options.method === 'POST' ? (options.body ?? '') : undefined
  const length = body === undefined ? {} : { 'content-length': String(Buffer.byteLength(body)) }
  const request = start(url, { method: options.method ?? 'GET', headers: { ...headers, ...length }, agent })
  onStart(error => request.destroy(error))
  const { silenceMs } = options
  silence.set(silenceMs, () => request.destroy(new TokenizerError(`no answer within ${silenceMs} ms`, 'network')))
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
  const stalled = () => request.destroy(new TokenizerError(`nothing received for ${silenceMs} ms`, 'network'))
  silence.set(silenceMs, stalled)
  let cause: Error | undefined
  request.on('error', error => (cause = error))
  async function* parts(): AsyncGenerator<Buffer> {
    try {
      for await (const part of response) {
        silence.set(silenceMs, stalled)
        yield part as Buffer
      }
    } catch (error) {
      throw failure(cause ?? error)
    } finally {
      finish()
    }
  }
  return {
    status: response.statusCode!,
    headers: response.headers,
    body: parts(),
    destroy: () => {
      finish()
      response.destroy()
    },
  }
}

/** The whole body as text. */
export async function readText(response: HttpResponse): Promise<string> {
  const parts: Buffer[] = []
  for await (const part of response.body) parts.push(part)
  return Buffer.concat(parts).toString('utf8')
}
