import { RequestError } from '@vllm-sim/core-engine'
import { checkContent, messageSchema, type WireMessage } from '../../openai/chat/wire.ts'
import { anyObject, arrayOf, boolean, object, string } from '../../schema/types.ts'
import { validator } from '../../schema/validator.ts'

/** A request to `POST /tokenize`. */
export interface TokenizeWire {
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

/** The error for a body that cannot be used. */
export function unparsable(detail: string): RequestError {
  return new RequestError(400, `Failed to read and parse tokenize request body, ${detail}`)
}

const readTokenize = validator<TokenizeWire>(
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

/** @throws RequestError 400 naming the member that is wrong */
export function decodeTokenize(json: unknown): TokenizeWire {
  const wire = readTokenize(json)
  if (!wire.messages) return wire
  if (wire.prompt) throw new RequestError(400, 'both prompt and messages fields in tokenize request')
  checkContent(wire.messages, unparsable)
  return wire
}

/** A request to `POST /detokenize`. */
export interface DetokenizeWire {
  readonly tokens: readonly number[]
}

/** @throws RequestError 400 naming the member that is wrong */
export const decodeDetokenize = validator<DetokenizeWire>(
  object({ model: string, tokens: { type: 'array', items: { type: 'integer', minimum: 0, maximum: 0xffff_ffff } } }, [
    'tokens',
  ]),
  unparsable,
)
