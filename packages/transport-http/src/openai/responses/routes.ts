import type { ServerResponse } from 'node:http'
import { RequestError } from '@vllm-sim/core-engine'
import type { ApiContext } from '../../context.ts'
import { toRequestError } from '../../http/errors.ts'
import { sendError, sendJson } from '../../http/reply.ts'
import { sendJsonSoon } from '../../http/reply-pieces.ts'
import { jsonText } from '../../output/json-text.ts'
import { type Method, queryOf, type Route, type RoutedRequest } from '../../routing/route.ts'
import { InvalidRequestError, responseNotFound } from './errors.ts'
import { followResponse } from './follow.ts'
import { inputItemPage } from './input-items.ts'
import { inputTokensRoute } from './input-tokens.ts'
import type { ResponseRecord } from './response.ts'
import type { ResponseStore } from './store.ts'

/** `GET` and `DELETE /v1/responses/{id}`, `/cancel` and `/input_items`, and the counting of tokens */
export function responseRoutes(store: ResponseStore, context: ApiContext): Route[] {
  const route = (
    method: Method,
    suffix: string,
    answer: (record: ResponseRecord, req: RoutedRequest, res: ServerResponse) => string | Iterable<string> | undefined,
  ): Route => ({
    method,
    path: `/v1/responses/:id${suffix}`,
    handle: (req, res) => {
      req.resume()
      try {
        const json = answer(find(store, req), req, res)
        if (typeof json === 'string') sendJson(res, 200, json)
        else if (json) sendJsonSoon(res, json, context.socketTimeline.clock)
      } catch (error) {
        sendError(res, toRequestError(error))
      }
    },
  })
  return [
    // Before the paths with an id, which it would be taken for.
    inputTokensRoute(store, context),
    route('GET', '', (record, req, res) => retrieve(record, req, res, context)),
    route('DELETE', '', record => {
      store.delete(record.id, record.owner)
      record.abort?.()
      return JSON.stringify({ id: record.id, object: 'response', deleted: true })
    }),
    route('POST', '/cancel', cancel),
    route('GET', '/input_items', (record, req) => jsonText(inputItemPage(record, queryOf(req)))),
  ]
}

function find(store: ResponseStore, req: RoutedRequest): ResponseRecord {
  const id = String(req.params?.['id'] ?? '')
  const record = store.get(id, store.ownerOf(req.headers.authorization))
  if (!record) throw responseNotFound(id)
  return record
}

/** The object, or with `stream` its events after number `starting_after`. */
function retrieve(
  record: ResponseRecord,
  req: RoutedRequest,
  res: ServerResponse,
  context: ApiContext,
): Iterable<string> | undefined {
  const query = queryOf(req)
  if (!['true', 'True', '1'].includes(query.get('stream') ?? '')) return record.json()
  const after = query.get('starting_after')
  if (after !== null && !/^\d{1,15}$/.test(after)) {
    throw new RequestError(
      400,
      `starting_after must be the sequence number of an event, got ${JSON.stringify(after)}.`,
      'starting_after',
    )
  }
  followResponse(context, record, res, after === null ? -1 : Number(after))
  return undefined
}

/** Only what is made in the background can be cancelled; doing it twice is harmless. */
function cancel(record: ResponseRecord): Iterable<string> {
  if (record.status !== 'cancelled') {
    if (!record.abort) throw new InvalidRequestError(400, 'Cannot cancel a synchronous response.', 'response_id')
    record.abort()
  }
  return record.json()
}
