import type { ApiContext } from '../context.ts'
import { tokenized } from '../generation/prompts.ts'
import { unparsable } from '../generation/unparsable.ts'
import { resolveModel } from '../models.ts'
import { postJson, type Route } from '../routing/route.ts'
import { checkPrevious, messagesOf, parseResponses, renderOf } from './request.ts'
import type { ResponseStore } from './store.ts'

/** `POST /v1/responses/input_tokens`: the `input_tokens` that the same request to `/v1/responses` would have. */
export function inputTokensRoute(store: ResponseStore, context: ApiContext): Route {
  return postJson(context, '/v1/responses/input_tokens', unparsable, json => {
    const body = parseResponses(json, store)
    resolveModel(body.model, context)
    checkPrevious(body)
    return tokenized(
      () => context.tokenizer.encodeChat(renderOf(body, messagesOf(body))),
      ({ ids }) => ({ object: 'response.input_tokens', input_tokens: ids.length }),
    )
  })
}
