import { resolveModel, tokenized } from '@vllm-sim/serving'
import type { ApiContext } from '../../context.ts'
import { LeavingClient } from '../../generation/leaving-client.ts'
import { unparsable } from '../../generation/unparsable.ts'
import { postJson, type Route } from '../../routing/route.ts'
import { messagesOf, previousOf, renderOf } from './plan.ts'
import type { ResponseStore } from './store.ts'
import { decodeResponses } from './wire.ts'

/** `POST /v1/responses/input_tokens`: the `input_tokens` that the same request to `/v1/responses` would have. */
export function inputTokensRoute(store: ResponseStore, context: ApiContext): Route {
  return postJson(context, '/v1/responses/input_tokens', unparsable, (json, req, res) => {
    const wire = decodeResponses(json)
    resolveModel(wire.model, context)
    const messages = messagesOf(wire, previousOf(wire, store.ownerOf(req.headers.authorization), store))
    return tokenized(
      () => context.tokenizer.encodeChat(renderOf(wire, messages), new LeavingClient(context, res)),
      ({ ids }) => ({ object: 'response.input_tokens', input_tokens: ids.length }),
    )
  })
}
