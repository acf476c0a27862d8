import { resolveModel, tokenized } from '@vllm-sim/serving'
import type { ApiContext } from '../context.ts'
import { LeavingClient } from '../generation/leaving-client.ts'
import { unparsable } from '../generation/unparsable.ts'
import { postJson, type Route } from '../routing/route.ts'
import { errorForm } from './endpoint.ts'
import { planPrompt } from './plan.ts'
import { decodeMessages } from './wire.ts'

/** `POST /v1/messages/count_tokens`: the `input_tokens` that the same request to `/v1/messages` would have. */
export function countTokensRoute(context: ApiContext): Route {
  return postJson(
    context,
    '/v1/messages/count_tokens',
    unparsable,
    (json, _req, res) => {
      const wire = decodeMessages(json)
      resolveModel(wire.model, context)
      const { chat } = planPrompt(wire)
      return tokenized(
        () => context.tokenizer.encodeChat(chat, new LeavingClient(context, res)),
        ({ ids }) => ({
          input_tokens: ids.length,
          context_management: { original_input_tokens: ids.length },
        }),
      )
    },
    () => errorForm(context),
  )
}
