import { RequestError } from '@vllm-sim/core-engine'
import type { ChatMessage, ChatRender, ContentPart } from '@vllm-sim/tokenizer'
import {
  checkSampling,
  type SamplingBody,
  type SharedBody,
  samplingProperties,
  sharedProperties,
} from '../generation/sampling.ts'
import { unparsable } from '../generation/unparsable.ts'
import { anyObject, arrayOf, boolean, integer, object, string } from '../schema/types.ts'
import { validator } from '../schema/validator.ts'

/** A message as the OpenAI protocol has it. */
export interface WireMessage {
  readonly role?: string | null
  readonly content?: string | readonly (ContentPart & Record<string, unknown>)[] | null
  readonly name?: string | null
  readonly tool_call_id?: string | null
  readonly reasoning?: string | null
  readonly reasoning_content?: string | null
  readonly tool_calls?:
    | readonly {
        readonly id?: string | null
        readonly function?: { readonly name?: string | null; readonly arguments?: string | null } | null
      }[]
    | null
}

/** The body of `POST /v1/chat/completions`; members that nothing here reads are left out. */
export interface ChatBody extends SamplingBody, SharedBody {
  readonly messages?: readonly WireMessage[] | null
  readonly max_completion_tokens?: number | null
  readonly tools?: readonly unknown[] | null
  readonly documents?: readonly unknown[] | null
  readonly add_generation_prompt?: boolean | null
  readonly continue_final_message?: boolean | null
  readonly add_special_tokens?: boolean | null
  readonly chat_template?: string | null
  readonly chat_template_kwargs?: Readonly<Record<string, unknown>> | null
}

export const messageSchema = object({
  role: string,
  content: { type: ['string', 'array', 'null'], items: { type: 'object' } },
  name: string,
  tool_call_id: string,
  reasoning: string,
  reasoning_content: string,
  tool_calls: arrayOf(
    object({ id: string, function: { ...object({ name: string, arguments: string }), nullable: true } }),
  ),
})

const read = validator<ChatBody>(
  object({
    ...sharedProperties,
    ...samplingProperties,
    messages: arrayOf(messageSchema),
    max_completion_tokens: integer,
    tools: arrayOf({ type: 'object' }),
    documents: arrayOf({}),
    add_generation_prompt: boolean,
    continue_final_message: boolean,
    add_special_tokens: boolean,
    chat_template: string,
    chat_template_kwargs: anyObject,
  }),
)

/** @throws RequestError 400 naming the member that is wrong */
export function parseChat(json: unknown): ChatBody {
  const body = read(json)
  checkContent(body.messages ?? [])
  return body
}

/** Content that is a list must consist of blocks, and an image's URL stands in an object. */
export function checkContent(messages: readonly WireMessage[]): void {
  for (const { content } of messages) {
    if (typeof content === 'string' || !content) continue
    for (const part of content) {
      if (part.type === 'image_url' && typeof part.image_url === 'string')
        throw unparsable('content format not supported')
    }
  }
}

/** The limit in force: the newer member wins. */
export function maxTokensOf(body: ChatBody): number | undefined {
  return body.max_completion_tokens ?? body.max_tokens ?? undefined
}

/** @throws RequestError 400 */
export function validateChat(body: ChatBody): void {
  checkSampling(body, body, maxTokensOf(body))
  if (body.continue_final_message && body.add_generation_prompt) {
    throw new RequestError(
      400,
      'Cannot set both `continue_final_message` and `add_generation_prompt` to True.',
      'continue_final_message',
    )
  }
}

/** A wire message in the tokenizer's terms. */
export function toChatMessage(message: WireMessage): ChatMessage {
  const calls = message.tool_calls
  const reasoning = message.reasoning ?? message.reasoning_content
  return {
    role: message.role ?? '',
    content: message.content ?? null,
    ...(message.name ? { name: message.name } : undefined),
    ...(message.tool_call_id ? { toolCallId: message.tool_call_id } : undefined),
    ...(reasoning ? { reasoning } : undefined),
    ...(calls?.length
      ? {
          toolCalls: calls.map(call => ({
            ...(call.id ? { id: call.id } : undefined),
            name: call.function?.name ?? '',
            arguments: call.function?.arguments ?? '',
          })),
        }
      : undefined),
  }
}

/** The conversation of a request, ready to be rendered. */
export function toChatRender(body: ChatBody): ChatRender {
  return {
    messages: (body.messages ?? []).map(toChatMessage),
    ...(body.tools?.length ? { tools: body.tools } : undefined),
    ...(body.documents ? { documents: body.documents } : undefined),
    ...(typeof body.add_generation_prompt === 'boolean'
      ? { addGenerationPrompt: body.add_generation_prompt }
      : undefined),
    ...(body.continue_final_message ? { continueFinalMessage: true } : undefined),
    ...(body.add_special_tokens ? { addSpecialTokens: true } : undefined),
    ...(body.chat_template ? { chatTemplate: body.chat_template } : undefined),
    ...(body.chat_template_kwargs ? { chatTemplateKwargs: body.chat_template_kwargs } : undefined),
  }
}
