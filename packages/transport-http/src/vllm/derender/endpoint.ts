import type { ServerResponse } from 'node:http'
import type { ApiContext } from '../../context.ts'
import { LeavingClient } from '../../generation/leaving-client.ts'
import { unparsable } from '../../generation/unparsable.ts'
import { sendJson } from '../../http/reply.ts'
import { jsonText } from '../../output/json-text.ts'
import { postJson, type Route } from '../../routing/route.ts'
import { type ChunkPlan, type DerenderPlan, planChat, planChunk, planCompletion } from './plan.ts'
import { chatChunk, completionChunk } from './stream.ts'
import { chatAnswer, completionAnswer } from './whole.ts'
import { decodeChat, decodeChunk, decodeCompletion, isChunk } from './wire.ts'

/**
 * `POST /v1/chat/completions/derender` and `POST /v1/completions/derender`: what a generate answer, or one chunk of its
 * stream, is to a client of chat or text completions.
 */
export function derenderRoutes(context: ApiContext): Route[] {
  const route = <Wire>(
    path: string,
    decode: (json: unknown) => Wire,
    plan: (wire: Wire, context: ApiContext, cancel: LeavingClient) => DerenderPlan,
    whole: (plan: DerenderPlan) => Promise<object>,
    chunk: (plan: ChunkPlan) => object,
  ): Route =>
    postJson(context, path, unparsable, async (json, _req, res) => {
      const cancel = new LeavingClient(context, res)
      if (isChunk(json)) send(res, chunk(planChunk(decodeChunk(json), context, cancel)))
      else send(res, await whole(plan(decode(json), context, cancel)))
    })
  return [
    route('/v1/chat/completions/derender', decodeChat, planChat, chatAnswer, chatChunk),
    route('/v1/completions/derender', decodeCompletion, planCompletion, completionAnswer, completionChunk),
  ]
}

function send(res: ServerResponse, answer: object): void {
  sendJson(res, 200, jsonText(answer))
}
