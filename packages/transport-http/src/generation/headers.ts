import type { IncomingMessage } from 'node:http'
import { RequestError } from '@vllm-sim/core-engine'
import type { InjectedFailure } from '@vllm-sim/serving'
import type { ApiContext, ApiSettings } from '../context.ts'

const booleans: Readonly<Record<string, boolean>> = {
  '1': true,
  t: true,
  T: true,
  true: true,
  TRUE: true,
  True: true,
  '0': false,
  f: false,
  F: false,
  false: false,
  FALSE: false,
  False: false,
}

/** A request header as a boolean; anything but the accepted spellings counts as absent. */
export function booleanHeader(req: IncomingMessage, name: string): boolean | undefined {
  const value = req.headers[name]
  return typeof value === 'string' ? booleans[value] : undefined
}

/**
 * The failure that the client asks for with `X-Return-Error`.
 * @throws RequestError when the value is not a usable status
 */
export function returnError(req: IncomingMessage): InjectedFailure | undefined {
  const value = req.headers['x-return-error']
  if (value === undefined || value === '') return undefined
  const text = Array.isArray(value) ? value.join(', ') : value
  if (!/^[+-]?\d+$/.test(text)) {
    throw new RequestError(400, `Invalid X-Return-Error header value ${JSON.stringify(text)}: must be an integer`)
  }
  const status = Number(text)
  if (!(status >= 200 && status <= 599)) {
    throw new RequestError(
      400,
      `Invalid X-Return-Error header value ${JSON.stringify(text)}: must be an HTTP status code between 200 and 599`,
    )
  }
  return { status, message: `Simulated error triggered by X-Return-Error header (code ${status})`, param: null }
}

/** Headers that answers of generation endpoints carry. */
export function responseHeaders(settings: ApiSettings, id: string): Record<string, string> | undefined {
  if (!settings.requestIdHeaders) {
    for (const _ in settings.podHeaders) return settings.podHeaders as Record<string, string>
    return undefined
  }
  return { ...settings.podHeaders, 'x-request-id': id }
}

/** An id from a body has to fit into a header and, because every frame of a stream repeats it, to be short. */
const usableId = /^[\x21-\x7e]{1,256}$/

/**
 * The id of a request: from `X-Request-Id` where that is switched on, from the body's `request_id` when it is usable, or
 * a new one.
 * @param body parsed JSON
 */
export function requestId(req: IncomingMessage, { settings, nextId }: ApiContext, body: object): string {
  const given = settings.requestIdHeaders ? req.headers['x-request-id'] : undefined
  if (typeof given === 'string' && given !== '') return given
  const { request_id: own } = body as { readonly request_id?: unknown }
  return typeof own === 'string' && usableId.test(own) ? own : nextId()
}
