import { RequestError } from '@vllm-sim/core-engine'
import { tokenized } from '@vllm-sim/serving'
import type { Cancel, PromptEncoding } from '@vllm-sim/tokenizer'
import type { ApiContext } from '../context.ts'
import { LeavingClient } from '../generation/leaving-client.ts'
import { sendJsonPieces } from '../http/reply-pieces.ts'
import { toChatRender } from '../openai/chat/conversation.ts'
import { checkContent, messageSchema, type WireMessage } from '../openai/chat/wire.ts'
import { postJson, type Route } from '../routing/route.ts'
import { anyObject, arrayOf, boolean, object, string } from '../schema/types.ts'
import { validator } from '../schema/validator.ts'

interface TokenizeBody {
  readonly prompt?: string | null
  readonly messages?: readonly WireMessage[] | null
  readonly add_special_tokens?: boolean | null
  readonly add_generation_prompt?: boolean | null
  readonly continue_final_message?: boolean | null
  readonly return_token_strs?: boolean | null
  readonly chat_template?: string | null
  readonly chat_template_kwargs?: Readonly<Record<string, unknown>> | null
  readonly tools?: readonly unknown[] | null
}

function unparsable(detail: string): RequestError {
  return new RequestError(400, `Failed to read and parse tokenize request body, ${detail}`)
}

const readTokenize = validator<TokenizeBody>(
  object({
    model: string,
    prompt: string,
    messages: arrayOf(messageSchema),
    add_special_tokens: boolean,
    add_generation_prompt: boolean,
    continue_final_message: boolean,
    return_token_strs: boolean,
    chat_template: string,
    chat_template_kwargs: anyObject,
    tools: arrayOf({ type: 'object' }),
  }),
  unparsable,
)

const readDetokenize = validator<{ readonly tokens: readonly number[] }>(
  object({ model: string, tokens: { type: 'array', items: { type: 'integer', minimum: 0, maximum: 0xffff_ffff } } }, [
    'tokens',
  ]),
  unparsable,
)

/** `POST /tokenize` and `POST /detokenize` */
export function tokenizeRoutes(context: ApiContext): Route[] {
  const { tokenizer, engine } = context
  return [
    postJson(context, '/tokenize', unparsable, (json, _req, res) => {
      const body = readTokenize(json)
      return tokenized(
        () => encode(body, context, new LeavingClient(context, res)),
        ({ ids }) => {
          const strings = body.return_token_strs ? (id: number) => tokenizer.tokenString(id) ?? '' : undefined
          sendJsonPieces(res, 200, answerJson(ids, engine.maxModelLen, strings), context.socketTimeline.clock)
        },
      )
    }),
    postJson(context, '/detokenize', unparsable, json => {
      const { tokens } = readDetokenize(json)
      return tokenized(
        () => (tokens.length === 0 ? '' : tokenizer.decode(tokens)),
        prompt => ({ prompt }),
      )
    }),
  ]
}

/** Ids of one piece of an answer. */
const portion = 4096

function* answerJson(
  ids: readonly number[],
  maxModelLen: number,
  strings: ((id: number) => string) | undefined,
): Generator<string> {
  yield `{"count":${ids.length},"max_model_len":${maxModelLen},"tokens":`
  yield* list(ids, id => id)
  yield ',"token_strs":'
  if (strings) yield* list(ids, strings)
  else yield 'null'
  yield '}'
}

/** A JSON array, some values at a time. */
function* list(ids: readonly number[], value: (id: number) => unknown): Generator<string> {
  yield '['
  for (let from = 0; from < ids.length; from += portion) {
    const text = JSON.stringify(ids.slice(from, from + portion).map(value)).slice(1, -1)
    yield from > 0 ? `,${text}` : text
  }
  yield ']'
}

function encode(
  body: TokenizeBody,
  { tokenizer }: ApiContext,
  cancel: Cancel,
): PromptEncoding | Promise<PromptEncoding> {
  if (body.messages) {
    if (body.prompt) throw new RequestError(400, 'both prompt and messages fields in tokenize request')
    checkContent(body.messages, unparsable)
    return tokenizer.encodeChat(toChatRender(body), cancel)
  }
  if (!body.prompt) return { ids: [], pieces: [] }
  return tokenizer.encode(body.prompt, { addSpecialTokens: body.add_special_tokens ?? true }, cancel)
}
