import type { IncomingMessage, ServerResponse } from 'node:http'
import { Readable } from 'node:stream'
import type { ApiContext } from '../../context.ts'
import { requestId, responseHeaders } from '../../generation/headers.ts'
import { LeavingClient } from '../../generation/leaving-client.ts'
import { unparsable } from '../../generation/unparsable.ts'
import { sendJsonPieces } from '../../http/reply-pieces.ts'
import { postJson, type Route } from '../../routing/route.ts'
import { planEmbedding } from './plan.ts'
import { embeddingBytes, embeddingJson, embeddingMetadata } from './whole.ts'
import { decodeEmbedding } from './wire.ts'

/** `POST /v1/embeddings`: vectors made from token ids. Absent where only the multimodal encoder runs. */
export function embeddingRoutes(context: ApiContext): Route[] {
  if (context.settings.mmEncoderOnly) return []
  return [postJson(context, '/v1/embeddings', unparsable, (json, req, res) => embed(json, req, res, context))]
}

async function embed(json: unknown, req: IncomingMessage, res: ServerResponse, context: ApiContext): Promise<void> {
  const wire = decodeEmbedding(json)
  const plan = await planEmbedding(wire, context, new LeavingClient(context, res))
  const id = requestId(req, context, wire)
  const created = Math.floor(context.clock.wall() / 1000)
  const headers = responseHeaders(context.settings, id)
  if (plan.format === 'float' || plan.format === 'base64') {
    sendJsonPieces(res, 200, embeddingJson(plan, id, created), context.socketTimeline.clock, headers)
    return
  }
  if (res.destroyed) return
  res.writeHead(200, {
    'content-type': 'application/octet-stream',
    'content-length': plan.inputs.length * plan.dimensions * 4,
    ...headers,
    ...(plan.format === 'bytes' ? embeddingMetadata(plan, id, created) : undefined),
  })
  Readable.from(embeddingBytes(plan), { objectMode: false }).pipe(res)
}
