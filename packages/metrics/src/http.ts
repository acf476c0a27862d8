import type { Cells } from './cells.ts'

/** Takes finished HTTP requests. Transports declare the same shape and are handed this. */
export interface HttpRecorder {
  /**
   * @param handler the route's template (`/v1/models/{model}`), never the raw path: each is a series of its own
   * @param method in capitals
   * @param status HTTP status; shown grouped, as `2xx`
   * @param seconds from the request's first byte to the answer's last
   * @param requestBytes size of the request's body, 0 when unknown
   * @param responseBytes size of the answer's body, 0 when unknown
   */
  record(
    handler: string,
    method: string,
    status: number,
    seconds: number,
    requestBytes: number,
    responseBytes: number,
  ): void
}

/** Handlers that vLLM leaves out: probes and scrapes would drown what is asked for. */
const silentHandlers: ReadonlySet<string> = new Set([
  '/metrics',
  '/health',
  '/load',
  '/ping',
  '/version',
  '/server_info',
])

/** Series are never dropped, so a caller that passes raw paths must not be able to fill the memory. */
const maxHandlers = 500

/** The handler under which those beyond the limit are counted. */
const otherHandlers = 'other'

/** Feeds the `http_*` families. */
export class HttpMetrics implements HttpRecorder {
  readonly #cells: Cells
  readonly #handlers = new Set<string>()

  constructor(cells: Cells) {
    this.#cells = cells
  }

  record(
    handler: string,
    method: string,
    status: number,
    seconds: number,
    requestBytes: number,
    responseBytes: number,
  ): void {
    if (silentHandlers.has(handler)) return
    const name = this.#admit(handler)
    const cells = this.#cells
    cells.httpRequests.at(name, method, `${Math.floor(status / 100)}xx`).value++
    cells.httpRequestSize.at(name).observe(requestBytes)
    cells.httpResponseSize.at(name).observe(responseBytes)
    cells.httpDuration.at(name, method).observe(seconds)
    cells.httpDurationFine.observe(seconds)
  }

  #admit(handler: string): string {
    if (this.#handlers.has(handler)) return handler
    if (this.#handlers.size >= maxHandlers) return otherHandlers
    this.#handlers.add(handler)
    return handler
  }
}
