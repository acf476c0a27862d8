import type { Cells, Histogram, Scalar, Summary } from './cells.ts'

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
  /** What was looked up before, by handler and method. */
  readonly #known = new Map<string, Map<string, Exchanges>>()

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
    const exchanges = this.#known.get(handler)?.get(method) ?? this.#admit(handler, method)
    if (!exchanges) return
    const group = Math.floor(status / 100)
    exchanges.byStatus[group] ??= this.#cells.httpRequests.at(exchanges.handler, method, `${group}xx`)
    exchanges.byStatus[group]!.value++
    exchanges.requestSize.observe(requestBytes)
    exchanges.responseSize.observe(responseBytes)
    exchanges.duration.observe(seconds)
    this.#cells.httpDurationFine.observe(seconds)
  }

  #admit(handler: string, method: string): Exchanges | undefined {
    if (silentHandlers.has(handler)) return undefined
    let methods = this.#known.get(handler)
    if (!methods && this.#known.size >= maxHandlers) {
      methods = this.#known.get(otherHandlers) ?? new Map()
      this.#known.set(otherHandlers, methods)
      handler = otherHandlers
    } else if (!methods) {
      methods = new Map()
      this.#known.set(handler, methods)
    }
    const cells = this.#cells
    const exchanges: Exchanges = methods.get(method) ?? {
      handler,
      byStatus: [],
      requestSize: cells.httpRequestSize.at(handler),
      responseSize: cells.httpResponseSize.at(handler),
      duration: cells.httpDuration.at(handler, method),
    }
    methods.set(method, exchanges)
    return exchanges
  }
}

/** The cells of one handler and method. */
interface Exchanges {
  readonly handler: string
  readonly byStatus: Scalar[]
  readonly requestSize: Summary
  readonly responseSize: Summary
  readonly duration: Histogram
}
