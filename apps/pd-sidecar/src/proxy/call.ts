import type { IncomingMessage, ServerResponse } from 'node:http'
import type { JsonText, Pieces } from '@vllm-sim/json-edit'
import {
  type ApiType,
  formatTarget,
  p2pPort,
  pullBlock,
  requestIdHeader,
  routingHeaders,
  type Target,
  uuidOf,
} from '@vllm-sim/pd-protocol'
import { collect } from '../http/collect.ts'
import type { Upstream } from '../http/connections.ts'
import { type Answer, LegError } from '../http/exchange.ts'
import { forwardedHeaders } from '../http/forward.ts'
import type { ResponseHead } from '../http/head.ts'
import { type BodyChange, ClientLeft, relay } from '../http/relay.ts'
import type { Phase } from '../telemetry/metrics.ts'
import { contextHeaders, type TraceSpan, traceIdOf } from '../telemetry/tracing.ts'
import { type Rank, type Sidecar, upstreamOf } from './context.ts'
import { badGateway, Failure, ForeignAnswer } from './failure.ts'

/** Answers that are read as a whole, bytes. */
export const largestAnswer = 64 * 1024 * 1024

/** Names of attributes begin with it. */
export const pd = 'llm_d.pd_proxy'

const notReady =
  'The decode node is not ready. Please check that the vLLM service is running and the port configuration is correct.'

/** A request to one of the APIs that can be disaggregated. */
export class Call {
  readonly sidecar: Sidecar
  readonly rank: Rank
  readonly req: IncomingMessage
  readonly res: ServerResponse
  readonly api: ApiType
  /** Path and query of its legs. */
  readonly target: string
  /** Where it is decoded. */
  decoder: Upstream
  /** Of the whole request, without the listener. */
  readonly span: TraceSpan
  readonly #arrived: number
  readonly #left = new AbortController()
  #requestId: string | undefined

  constructor(
    sidecar: Sidecar,
    rank: Rank,
    req: IncomingMessage,
    res: ServerResponse,
    api: ApiType,
    target: string,
    span: TraceSpan,
  ) {
    this.sidecar = sidecar
    this.rank = rank
    this.req = req
    this.res = res
    this.api = api
    this.target = target
    this.decoder = rank.decoder
    this.span = span
    this.#arrived = sidecar.clock.now()
    res.once('close', () => this.#left.abort())
  }

  /** Aborted when the client leaves. */
  get signal(): AbortSignal {
    return this.#left.signal
  }

  /** The client's id, or one of ours: the same on all legs. */
  get requestId(): string {
    const given = this.req.headers[requestIdHeader]
    this.#requestId ??= typeof given === 'string' && given !== '' ? given : uuidOf(this.sidecar.entropy(16))
    return this.#requestId
  }

  /** Lines of a leg's head: the client's, its id, and further ones. @param read the answer is read here */
  headers(add: Lines, read: boolean, { context }: TraceSpan = this.span): string {
    if (context === undefined) {
      const without = read ? readHere : passedOn
      return forwardedHeaders(this.req, { without, add: [[requestIdHeader, this.requestId], ...add] })
    }
    const without = read ? readHereTraced : passedOnTraced
    return forwardedHeaders(this.req, { without, add: [[requestIdHeader, this.requestId], ...context, ...add] })
  }

  /** What a line of the log says of the request. */
  get logFields(): { readonly request_id: string; readonly trace_id?: string } {
    const trace = traceIdOf(this.req.headers)
    return { request_id: this.requestId, ...(trace === undefined ? undefined : { trace_id: trace }) }
  }

  /** Sends a leg; resolves with the head of its answer. @throws LegError, ClientLeft */
  async leg(phase: Phase, request: LegOptions): Promise<Answer> {
    const { upstream, body, headers = [], signal = this.signal, target = this.target } = request
    const { legs } = this.sidecar
    try {
      return await legs.send({
        upstream,
        method: 'POST',
        target,
        headers: this.headers(headers, true, request.span),
        body,
        signal,
      })
    } catch (error) {
      if (this.signal.aborted) this.#aborted(phase)
      throw error
    }
  }

  /**
   * Decodes: sends the body to the decoder and passes its answer on.
   * @throws Failure when nothing was sent yet; ClientLeft
   */
  async decode(body: Pieces | IncomingMessage, options: DecodeOptions = {}): Promise<void> {
    const { clock, metrics, legs } = this.sidecar
    const start = clock.now()
    const span = this.span.child('decode', { [`${pd}.decode.target`]: formatTarget(this.decoder) })
    let failed: string | undefined
    metrics.openLegs.add('decode', 1)
    try {
      const { headers = [], signal = this.signal, change, untouched } = options
      const answer = await legs.send({
        upstream: this.decoder,
        method: 'POST',
        target: this.target,
        headers: untouched ? this.#untouched(span) : this.headers(headers, change !== undefined, span),
        body,
        signal,
      })
      span.set({ [`${pd}.true_ttft_ms`]: clock.now() - this.#arrived })
      await this.pass(answer, change)
      if (answer.head.status >= 300) {
        failed = `the decoder answered ${answer.head.status}`
        metrics.errors.inc('decode')
      }
    } catch (error) {
      failed = (error as Error).message
      metrics.errors.inc('decode')
      if (this.signal.aborted) this.#aborted('decode')
      throw error instanceof LegError ? decoderFailure(error, this) : error
    } finally {
      metrics.openLegs.add('decode', -1)
      metrics.durations.decode.observe((clock.now() - start) / 1000)
      span.set({
        [`${pd}.decode.duration_ms`]: clock.now() - start,
        [`${pd}.total_duration_ms`]: clock.now() - this.#arrived,
      })
      span.end(failed)
    }
  }

  /** The client's headers, but for what says how to serve it. */
  #untouched({ context }: TraceSpan): string {
    if (context === undefined) return forwardedHeaders(this.req, { without: routingHeaders })
    return forwardedHeaders(this.req, { without: untouchedTraced, add: context })
  }

  /** Passes an answer on to the client. */
  pass(answer: Answer, change?: (head: ResponseHead) => BodyChange | undefined): Promise<void> {
    return relay(answer, this.res, { change: change?.(answer.head) })
  }

  #aborted(phase: Phase): never {
    this.sidecar.metrics.aborts.inc(phase)
    throw new ClientLeft()
  }
}

/** How the decode leg differs from the client's request. */
export interface DecodeOptions {
  readonly headers?: Lines
  readonly signal?: AbortSignal
  /** Changes the answer. */
  readonly change?: ((head: ResponseHead) => BodyChange | undefined) | undefined
  /** The head stays the client's, but for what says how to serve it. */
  readonly untouched?: boolean
}

interface LegOptions {
  readonly upstream: Upstream
  readonly body: Pieces
  readonly headers?: Lines
  readonly signal?: AbortSignal
  readonly target?: string
  readonly span?: TraceSpan
}

/** Names and values of headers. */
export type Lines = readonly (readonly [name: string, value: string])[]

/** What legs do not have of the client's headers: the id is written anew. */
const passedOn: ReadonlySet<string> = new Set([...routingHeaders, requestIdHeader])
/** Answers that are read here must not be compressed. */
const readHere: ReadonlySet<string> = new Set([...passedOn, 'accept-encoding'])
/** With tracing the context of the trace is written anew, too. */
const untouchedTraced: ReadonlySet<string> = new Set([...routingHeaders, ...contextHeaders])
const passedOnTraced: ReadonlySet<string> = new Set([...passedOn, ...contextHeaders])
const readHereTraced: ReadonlySet<string> = new Set([...readHere, ...contextHeaders])

/** What came of a prefill leg. */
export type PrefillOutcome =
  | { readonly ok: true; readonly body: Buffer; readonly head: ResponseHead }
  /** What the client is to be told. */
  | { readonly ok: false; readonly status: number; readonly error: Failure | ForeignAnswer }

/** A request that names a prefiller. */
export class PrefillCall {
  readonly call: Call
  readonly body: JsonText
  /** The prefiller, and those that the request names beside it, in the order in which they are tried. */
  readonly prefillers: readonly Target[]
  /** A peer to pull a prefix from. */
  readonly source: Target | undefined
  /** The request was encoded before: what an encoder made is in its body. */
  readonly encoded: boolean

  constructor(call: Call, body: JsonText, prefillers: readonly Target[], source: Target | undefined, encoded = false) {
    this.call = call
    this.body = body
    this.prefillers = prefillers
    this.source = source
    this.encoded = encoded
  }

  get prefiller(): Target {
    return this.prefillers[0]!
  }

  /** What makes the prefiller pull a prefix from the source, if there is one that is another. */
  pullParams(): Readonly<Record<string, unknown>> {
    const { source, call, prefiller } = this
    if (source === undefined || formatTarget(source) === formatTarget(prefiller)) return {}
    return pullParams(call, source)
  }

  /**
   * Prefills, and tries again on the next prefiller when one cannot be reached or is overloaded.
   * @returns undefined: none could, and the decoder is to do it itself
   * @throws Failure or ForeignAnswer for the client
   */
  async prefill(body: Pieces, headers: Lines = []): Promise<Prefilled | undefined> {
    const { sidecar } = this.call
    const { config, metrics, log, clock } = sidecar
    const start = clock.now()
    let outcome = await this.attempt(this.prefiller, body, { headers })
    for (let retry = 1; retry <= config.prefillMaxRetries && !outcome.ok && retryable.has(outcome.status); retry++) {
      metrics.retries.inc()
      const next = this.prefillers[retry % this.prefillers.length]!
      log.info(
        { ...this.call.logFields, attempt: retry, status: outcome.status, target: formatTarget(next) },
        'retrying prefill request',
      )
      await pause(clock, config.prefillRetryBackoff, this.call.signal)
      outcome = await this.attempt(next, body, { headers })
    }
    metrics.durations.prefill.observe((clock.now() - start) / 1000)
    if (outcome.ok) return { body: outcome.body }
    metrics.errors.inc('prefill')
    log.error(
      { ...this.call.logFields, status: outcome.status, reason: outcome.error.message },
      'prefill request failed',
    )
    if (config.fallback === 'none' || (outcome.status < 500 && outcome.status !== 429)) throw outcome.error
    metrics.fallbacks.inc()
    return undefined
  }

  /** One attempt. Does not fail, unless the client leaves. */
  async attempt(
    target: Target,
    body: Pieces,
    { headers = [], signal = this.call.signal }: AttemptOptions,
  ): Promise<PrefillOutcome> {
    const { sidecar } = this.call
    const { metrics, config, clock } = sidecar
    const limit = new LegLimit(clock, config.prefillTimeout, signal)
    const start = clock.now()
    const span = this.call.span.child('prefill', {
      [`${pd}.request_id`]: this.call.requestId,
      [`${pd}.prefill_target`]: formatTarget(target),
    })
    let failed: string | undefined
    metrics.openLegs.add('prefill', 1)
    try {
      const answer = await this.call.leg('prefill', {
        upstream: upstreamOf(sidecar, 'prefiller', target),
        body,
        headers,
        signal: limit.signal,
        span,
      })
      const read = await collect(answer, largestAnswer)
      const { head } = answer
      span.set({ [`${pd}.prefill.status_code`]: head.status })
      if (head.status >= 200 && head.status < 300) return { ok: true, body: read, head }
      failed = `the prefiller answered ${head.status}`
      return { ok: false, status: head.status, error: new ForeignAnswer(head, read) }
    } catch (error) {
      failed = (error as Error).message
      if (this.call.signal.aborted && signal === this.call.signal)
        throw error instanceof ClientLeft ? error : this.#left()
      if (limit.over) {
        const message = `the prefiller ${formatTarget(target)} did not answer within ${config.prefillTimeout / 1000} s`
        return { ok: false, status: 504, error: new Failure(504, 'GatewayTimeout', message) }
      }
      const message = `the prefiller ${formatTarget(target)} cannot be reached: ${(error as Error).message}`
      return { ok: false, status: 502, error: badGateway(message) }
    } finally {
      metrics.openLegs.add('prefill', -1)
      limit.end()
      span.set({ [`${pd}.prefill.duration_ms`]: clock.now() - start })
      span.end(failed)
    }
  }

  #left(): ClientLeft {
    this.call.sidecar.metrics.aborts.inc('prefill')
    return new ClientLeft()
  }
}

/** What a prefiller answered. */
export interface Prefilled {
  readonly body: Buffer
}

interface AttemptOptions {
  readonly headers?: Lines
  readonly signal?: AbortSignal
}

/** The parameter that makes an engine pull a prefix from a peer. */
export function pullParams({ sidecar, rank }: Call, source: Target): Readonly<Record<string, unknown>> {
  const { config, entropy } = sidecar
  const port = p2pPort(source, config.p2pConnectorPort, rank.port - rank.index, config.dataParallelSize)
  return pullBlock(uuidOf(entropy(16)), source.host, port)
}

/** Answers of prefillers that another one, or the same one a little later, may not give. */
const retryable: ReadonlySet<number> = new Set([502, 503, 504])

/** Why the decoder did not answer, for the client. */
export function decoderFailure(error: LegError, { sidecar }: Pick<Call, 'sidecar'>): Failure {
  const refused = error.code === 'ECONNREFUSED'
  sidecar.log[refused ? 'warn' : 'error']({ reason: error.message }, 'failed to connect to vLLM decoder')
  return refused ? new Failure(503, 'ServiceUnavailable', notReady) : badGateway(error.message)
}

/** A time limit, joined with a client's signal. */
class LegLimit {
  readonly #controller = new AbortController()
  readonly #from: AbortSignal
  readonly #timer: { cancel(): void } | undefined
  readonly #abort = (): void => this.#controller.abort()
  over = false

  constructor(clock: Sidecar['clock'], limit: number, from: AbortSignal) {
    this.#from = from
    if (from.aborted) this.#abort()
    from.addEventListener('abort', this.#abort)
    if (limit <= 0) return
    this.#timer = clock.timer(limit, () => {
      this.over = true
      this.#abort()
    })
  }

  get signal(): AbortSignal {
    return this.#controller.signal
  }

  end(): void {
    this.#timer?.cancel()
    this.#from.removeEventListener('abort', this.#abort)
  }
}

/** Waits, or rejects when the signal comes. */
function pause(clock: Sidecar['clock'], delay: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve, reject) => {
    const left = (): void => {
      timer.cancel()
      reject(new ClientLeft())
    }
    const timer = clock.timer(delay, () => {
      signal.removeEventListener('abort', left)
      resolve()
    })
    if (signal.aborted) left()
    else signal.addEventListener('abort', left)
  })
}
