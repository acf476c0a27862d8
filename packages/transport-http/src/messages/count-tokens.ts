import type { ApiContext } from '../context.ts'
import { tokenized } from '../generation/prompts.ts'
import { unparsable } from '../generation/unparsable.ts'
import { resolveModel } from '../models.ts'
import { postJson, type Route } from '../routing/route.ts'
import { errorForm } from './endpoint.ts'
import { parseMessages, renderOf, validateConversation } from './request.ts'

/** `POST /v1/messages/count_tokens`: the `input_tokens` that the same request to `/v1/messages` would have. */
export function countTokensRoute(context: ApiContext): Route {
  return postJson(
    context,
    '/v1/messages/count_tokens',
    unparsable,
    json => {
      const body = parseMessages(json)
      resolveModel(body.model, context)
      validateConversation(body)
      return tokenized(
        () => context.tokenizer.encodeChat(renderOf(body)),
        ({ ids }) => ({
          input_tokens: ids.length,
          context_management: { original_input_tokens: ids.length },
        }),
      )
    },
    () => errorForm(context),
  )
}
