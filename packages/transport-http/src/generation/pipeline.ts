import type { IncomingMessage, ServerResponse } from 'node:http'
import { type GenerationRequest, RequestError } from '@vllm-sim/core-engine'
import type { ApiContext } from '../context.ts'
import { readBody } from '../http/body.ts'
import { commonErrors, toRequestError } from '../http/errors.ts'
import { sendError } from '../http/reply.ts'
import { resolveModel } from '../models.ts'
import { BodySink } from './body-sink.ts'
import type { Complete } from './complete.ts'
import type { Call, CommonBody, GenerationEndpoint, Lowered } from './endpoint.ts'
import { booleanHeader, responseHeaders, returnError } from './headers.ts'
import { StreamSink } from './stream-sink.ts'
import { unparsable } from './unparsable.ts'

/** A request handler of `node:http` and, because its objects are made from those, of Express. */
export type Handler = (req: IncomingMessage, res: ServerResponse) => void

/** The handler of a generation endpoint. */
export function generationHandler<Body extends CommonBody>(
  endpoint: GenerationEndpoint<Body>,
  context: ApiContext,
): Handler {
  return (req, res) => {
    const arrival = context.clock.now()
    const fail = (error: RequestError): void => sendError(res, error, undefined, endpoint.errors?.(context))
    readBody(req, context.settings.maxBodyBytes, (text, error) => {
      if (error) fail(error)
      else serve(endpoint, context, req, res, text, arrival)
    })
  }
}

/** Not async: most requests are lowered and submitted at once, without a promise. */
function serve<Body extends CommonBody>(
  endpoint: GenerationEndpoint<Body>,
  context: ApiContext,
  req: IncomingMessage,
  res: ServerResponse,
  text: string,
  arrival: number,
): void {
  const { settings } = context
  const errors = endpoint.errors?.(context) ?? commonErrors
  let headers: Record<string, string> | undefined
  const fail = (error: unknown): void => {
    const known = toRequestError(error)
    if (known.status >= 500 && !(error instanceof RequestError)) {
      context.log.error({ err: error, path: endpoint.path }, 'request failed')
    }
    sendError(res, known, headers, errors)
  }
  try {
    const body = parseBody(endpoint, context, text)
    const id = requestId(req, context, body)
    const failure = returnError(req) ?? settings.injectFailure?.(text)
    if (failure) throw new RequestError(failure.status, failure.message, failure.param)
    const { name, lora } = resolveModel(body.model, context)
    endpoint.validate(body, context)
    headers = responseHeaders(settings, id)
    const lowering = endpoint.lower(body, context, name, { req, text, id })
    const run = (lowered: Lowered): void => {
      const refusesCache = endpoint.cacheThresholdHeader && booleanHeader(req, 'x-cache-threshold-finish-reason')
      const request: Complete<GenerationRequest> = {
        id,
        model: name,
        lora: lora ? name : undefined,
        prompts: lowered.prompts,
        n: lowered.n,
        limits: lowered.limits,
        seed: lowered.seed,
        arrival,
        output: lowered.output,
        kvTransfer: lowered.kvTransfer,
        cacheSalt: lowered.cacheSalt,
        cacheHitThreshold: lowered.cacheHitThreshold,
        forceCacheThreshold: refusesCache || undefined,
        extraDelay: lowered.extraDelay,
        fingerprint: lowered.fingerprint,
      }
      if (res.destroyed) return
      const call: Call<Body> = { context, body, id, model: name, request }
      if (endpoint.detached?.(call, res, headers)) return
      if (body.stream) new StreamSink(context, res, endpoint.stream(call), headers, errors).run(request)
      else new BodySink(context, res, endpoint.body(call), headers, errors).run(request)
    }
    if (lowering instanceof Promise) lowering.then(run).catch(fail)
    else run(lowering)
  } catch (error) {
    fail(error)
  }
}

function parseBody<Body extends CommonBody>(
  endpoint: GenerationEndpoint<Body>,
  context: ApiContext,
  text: string,
): Body {
  let json: unknown
  try {
    json = JSON.parse(text)
  } catch (error) {
    throw unparsable(text === '' ? 'the body is empty' : (error as Error).message)
  }
  return endpoint.parse(json, context)
}

/** An id from a body has to fit into a header and, because every frame of a stream repeats it, to be short. */
const usableId = /^[\x21-\x7e]{1,256}$/

/**
 * The id of a request: from `X-Request-Id` where that is switched on, from the body's `request_id` when it is usable, or
 * a new one.
 * @param body parsed JSON
 */
export function requestId(req: IncomingMessage, context: ApiContext, body: object): string {
  const given = context.settings.requestIdHeaders ? req.headers['x-request-id'] : undefined
  if (typeof given === 'string' && given !== '') return given
  const { request_id: own } = body as { readonly request_id?: unknown }
  return typeof own === 'string' && usableId.test(own) ? own : context.nextId()
}
