import type { ApiContext } from '../../context.ts'
import { requestId, responseHeaders } from '../../generation/headers.ts'
import { LeavingClient } from '../../generation/leaving-client.ts'
import { unparsable } from '../../generation/unparsable.ts'
import { sendJson } from '../../http/reply.ts'
import { sendJsonPieces } from '../../http/reply-pieces.ts'
import { decodeChat } from '../../openai/chat/wire.ts'
import { decodeCompletion } from '../../openai/completions/wire.ts'
import { postJson, type Route } from '../../routing/route.ts'
import { planChatRender, planCompletionRender } from './plan.ts'
import { chatRequestJson, completionRequestsJson } from './whole.ts'

/** `POST /v1/chat/completions/render` and `POST /v1/completions/render`: the generate request that a body comes to. */
export function renderRoutes(context: ApiContext): Route[] {
  const { settings, socketTimeline } = context
  return [
    postJson(context, '/v1/chat/completions/render', unparsable, async (json, req, res) => {
      const wire = decodeChat(json)
      const cancel = new LeavingClient(context, res)
      const plan = await planChatRender(wire, context, cancel, () => requestId(req, context, wire))
      sendJson(res, 200, chatRequestJson(plan), responseHeaders(settings, plan.id))
    }),
    postJson(context, '/v1/completions/render', unparsable, async (json, req, res) => {
      const wire = decodeCompletion(json)
      const cancel = new LeavingClient(context, res)
      const plan = await planCompletionRender(wire, context, cancel, () => requestId(req, context, wire))
      const headers = responseHeaders(settings, plan.id)
      sendJsonPieces(res, 200, completionRequestsJson(plan), socketTimeline.clock, headers)
    }),
  ]
}
