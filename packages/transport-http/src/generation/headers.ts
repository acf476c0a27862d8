import type { IncomingMessage } from 'node:http'
import { RequestError } from '@vllm-sim/core-engine'
import type { ApiSettings, InjectedFailure } from '../context.ts'

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
