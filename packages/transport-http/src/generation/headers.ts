import type { IncomingMessage } from 'node:http'
import { RequestError } from '@vllm-sim/core-engine'
import { booleanValue } from '@vllm-sim/serving'
import type { ApiContext, ApiSettings } from '../context.ts'

type HeaderValue = string | string[] | undefined

/** A request header as a boolean; anything but the accepted spellings counts as absent. */
export function booleanHeader(value: HeaderValue): boolean | undefined {
  return value === undefined ? undefined : booleanValue(headerText(value))
}

/** A request header that may have been sent several times. */
export function headerText(value: HeaderValue): string | undefined {
  return Array.isArray(value) ? value.join(', ') : value
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

/** What Node sends back in a header and in a body as the same bytes. */
const visible = /^[\x20-\x7e]*$/

/**
 * The id of a request: from `X-Request-Id` where that is switched on, from the body's `request_id` when it is usable, or
 * a new one.
 * @param body parsed JSON
 * @throws RequestError 400 for an `X-Request-Id` that could not be sent back as it came
 */
export function requestId(req: IncomingMessage, { settings, nextId }: ApiContext, body: object): string {
  const given = settings.requestIdHeaders ? req.headers['x-request-id'] : undefined
  if (typeof given === 'string' && given !== '') {
    if (visible.test(given)) return given
    throw new RequestError(400, 'X-Request-Id must consist of visible ASCII characters and spaces')
  }
  const { request_id: own } = body as { readonly request_id?: unknown }
  return typeof own === 'string' && usableId.test(own) ? own : nextId()
}
