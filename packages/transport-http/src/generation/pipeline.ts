import type { IncomingMessage, ServerResponse } from 'node:http'
import { RequestError } from '@vllm-sim/core-engine'
import {
  type KvTransfers,
  loadStructured,
  parseJson,
  type ResolvedModel,
  resolveModel,
  returnError,
} from '@vllm-sim/serving'
import type { ApiContext } from '../context.ts'
import { atOnce, readBody } from '../http/body.ts'
import { commonErrors, toRequestError } from '../http/errors.ts'
import { sendError } from '../http/reply.ts'
import type { CommonWire, GenerationEndpoint, HttpCall, Plan } from './endpoint.ts'
import { booleanHeader, headerText, requestId, responseHeaders } from './headers.ts'
import { LeavingClient } from './leaving-client.ts'
import { StreamSink } from './stream-sink.ts'
import { unparsable } from './unparsable.ts'
import { WholeSink } from './whole-sink.ts'

/** A request handler of `node:http` and, because its objects are made from those, of Express. */
export type Handler = (req: IncomingMessage, res: ServerResponse) => void

/** The handler of a generation endpoint. */
export function generationHandler<Wire extends CommonWire, P extends Plan>(
  endpoint: GenerationEndpoint<Wire, P>,
  context: ApiContext,
): Handler {
  return (req, res) => {
    const arrival = context.clock.now()
    const fail = (error: RequestError): void => sendError(res, error, undefined, endpoint.errors?.(context))
    readBody(req, res, context.settings.maxBodyBytes, (text, error, release) => {
      if (error) fail(error)
      else new Exchange(endpoint, context, req, res, text, arrival, release).serve()
    })
  }
}

/** One request and its answer. */
class Exchange<Wire extends CommonWire, P extends Plan> implements HttpCall {
  readonly context: ApiContext
  readonly arrival: number
  readonly content: string
  id = ''
  model: ResolvedModel = unknownModel
  readonly #endpoint: GenerationEndpoint<Wire, P>
  readonly #req: IncomingMessage
  readonly #res: ServerResponse
  /** To be called when no more is made of the body. */
  readonly #release: () => void
  #headers: Readonly<Record<string, string>> | undefined
  #leaving: LeavingClient | undefined

  constructor(
    endpoint: GenerationEndpoint<Wire, P>,
    context: ApiContext,
    req: IncomingMessage,
    res: ServerResponse,
    content: string,
    arrival: number,
    release: () => void,
  ) {
    this.context = context
    this.arrival = arrival
    this.content = content
    this.#endpoint = endpoint
    this.#req = req
    this.#res = res
    this.#release = release
  }

  get forceCacheThreshold(): boolean {
    return (
      this.#endpoint.cacheThresholdHeader &&
      (booleanHeader(this.#req.headers['x-cache-threshold-finish-reason']) ?? false)
    )
  }

  get sendImage(): boolean | undefined {
    return booleanHeader(this.#req.headers['x-send-image'])
  }

  get authorization(): string | undefined {
    return this.#req.headers.authorization
  }

  get signal(): AbortSignal {
    return (this.#leaving ??= new LeavingClient(this.context, this.#res)).signal
  }

  accept(): void {
    this.#headers = responseHeaders(this.context.settings, this.id)
  }

  /** Not async: most requests are planned and submitted at once, without a promise. */
  serve(): void {
    const { content } = this
    try {
      const wire = this.#endpoint.decode(parseJson(content, unparsable))
      const loading = this.#endpoint.needsStructure(wire) ? loadStructured() : undefined
      // What takes long to parse takes long to plan as well: others have a turn between the two.
      if (loading) loading.then(() => this.#later(() => this.#plan(wire))).catch(error => this.#fail(error))
      else if (content.length <= atOnce) this.#plan(wire)
      else this.#later(() => this.#plan(wire))
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Two turns: the next one begins before anything more was read from sockets. */
  #later(run: () => void): void {
    const { clock } = this.context.socketTimeline
    clock.whenFree(() => this.#res.destroyed || run())
  }

  #plan(wire: Wire): void {
    const { context, content } = this
    try {
      this.id = requestId(this.#req, context, wire)
      const failure =
        returnError(headerText(this.#req.headers['x-return-error'])) ?? context.settings.injectFailure?.(content)
      if (failure) throw new RequestError(failure.status, failure.message, failure.param)
      this.model = resolveModel(wire.model, context)
      const plan = this.#endpoint.plan(wire, this)
      if (plan instanceof Promise)
        plan.then(done => this.#run(done)).catch(error => this.#res.destroyed || this.#fail(error))
      else this.#run(plan)
    } catch (error) {
      this.#fail(error)
    }
  }

  #run(plan: P): void {
    this.#release()
    const { kvTransfers, settings } = this.context
    if (settings.debugHeaders) this.#headers = { ...this.#headers, 'x-kv-transfer': 'none' }
    if (kvTransfers && plan.request.kvTransfer?.doRemotePrefill) this.#receive(plan, kvTransfers)
    else this.#submit(plan)
  }

  /** Another instance has prefilled: its blocks are taken first. */
  #receive(plan: P, transfers: KvTransfers): void {
    transfers
      .receive(plan.request, this.signal)
      .then(({ request, note }) => {
        if (this.context.settings.debugHeaders) this.#headers = { ...this.#headers, 'x-kv-transfer': note }
        this.#submit({ ...plan, request })
      })
      .catch(error => this.#res.destroyed || this.#fail(error))
  }

  #submit(plan: P): void {
    const { context } = this
    const res = this.#res
    const headers = this.#headers
    if (res.destroyed || this.#endpoint.detached?.(plan, res, headers)) return
    const errors = this.#endpoint.errors?.(context) ?? commonErrors
    if (plan.stream) new StreamSink(context, res, this.#endpoint.stream(plan), headers, errors).run(plan.request)
    else new WholeSink(context, res, this.#endpoint.whole(plan), headers, errors).run(plan.request)
  }

  #fail(error: unknown): void {
    const { context } = this
    this.#release()
    const known = toRequestError(error)
    if (known.status >= 500 && !(error instanceof RequestError)) {
      context.log.error({ err: error, path: this.#endpoint.path }, 'request failed')
    }
    sendError(this.#res, known, this.#headers, this.#endpoint.errors?.(context))
  }
}

/** Stands for the model until it was looked up. */
const unknownModel: ResolvedModel = { name: '', lora: false }
