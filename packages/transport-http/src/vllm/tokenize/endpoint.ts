import { tokenized } from '@vllm-sim/serving'
import type { Cancel, PromptEncoding } from '@vllm-sim/tokenizer'
import type { ApiContext } from '../../context.ts'
import { LeavingClient } from '../../generation/leaving-client.ts'
import { sendJsonPieces } from '../../http/reply-pieces.ts'
import { toChatRender } from '../../openai/chat/conversation.ts'
import { postJson, type Route } from '../../routing/route.ts'
import { tokenizeJson } from './whole.ts'
import { decodeDetokenize, decodeTokenize, type TokenizeWire, unparsable } from './wire.ts'

/** `POST /tokenize` and `POST /detokenize` */
export function tokenizeRoutes(context: ApiContext): Route[] {
  const { tokenizer, engine } = context
  return [
    postJson(context, '/tokenize', unparsable, (json, _req, res) => {
      const wire = decodeTokenize(json)
      return tokenized(
        () => encode(wire, context, new LeavingClient(context, res)),
        ({ ids }) => {
          const strings = wire.return_token_strs ? (id: number) => tokenizer.tokenString(id) ?? '' : undefined
          sendJsonPieces(res, 200, tokenizeJson(ids, engine.maxModelLen, strings), context.socketTimeline.clock)
        },
      )
    }),
    postJson(context, '/detokenize', unparsable, (json, _req, res) => {
      const { tokens } = decodeDetokenize(json)
      return tokenized(
        () => (tokens.length === 0 ? '' : tokenizer.decode(tokens, {}, new LeavingClient(context, res))),
        prompt => ({ prompt }),
      )
    }),
  ]
}

function encode(
  wire: TokenizeWire,
  { tokenizer }: ApiContext,
  cancel: Cancel,
): PromptEncoding | Promise<PromptEncoding> {
  if (wire.messages) return tokenizer.encodeChat(toChatRender(wire), cancel)
  if (!wire.prompt) return { ids: [], pieces: [] }
  return tokenizer.encode(wire.prompt, { addSpecialTokens: wire.add_special_tokens ?? true }, cancel)
}
