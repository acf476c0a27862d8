import { isObject, type ToolChoice } from '@vllm-sim/serving'
import type { ContentPart } from '@vllm-sim/tokenizer'
import { unparsable } from '../../generation/unparsable.ts'
import {
  checkItems,
  type SamplingWire,
  type SharedWire,
  samplingProperties,
  sharedProperties,
} from '../../generation/wire.ts'
import { anyObject, arrayOf, boolean, integer, object, string } from '../../schema/types.ts'
import { validator } from '../../schema/validator.ts'
import { type FormatWire, formatProperties } from '../output-format.ts'
import { readToolChoice } from '../tools.ts'

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

/** A tool as the OpenAI protocol has it. */
export interface WireTool {
  readonly type?: string | null
  readonly function?: { readonly name?: string | null; readonly parameters?: unknown } | null
}

/** A request to `POST /v1/chat/completions`; members that nothing here reads are left out. */
export interface ChatWire extends SamplingWire, SharedWire, FormatWire {
  readonly messages?: readonly WireMessage[] | null
  readonly max_completion_tokens?: number | null
  readonly tools?: readonly WireTool[] | null
  /** In its one common form. */
  readonly tool_choice: ToolChoice
  readonly parallel_tool_calls?: boolean | null
  readonly logprobs?: boolean | null
  readonly top_logprobs?: number | null
  readonly prompt_logprobs?: number | null
  readonly return_tokens_as_token_ids?: boolean | null
  readonly return_token_ids?: boolean | null
  readonly return_prompt_text?: boolean | null
  readonly echo?: boolean | null
  readonly include_reasoning?: boolean | null
  readonly reasoning_effort?: string | null
  readonly thinking_token_budget?: number | null
  readonly documents?: readonly unknown[] | null
  readonly add_generation_prompt?: boolean | null
  readonly continue_final_message?: boolean | null
  readonly add_special_tokens?: boolean | null
  readonly chat_template?: string | null
  readonly chat_template_kwargs?: Readonly<Record<string, unknown>> | null
}

export const messageSchema = object({
  role: string,
  content: {},
  name: string,
  tool_call_id: string,
  reasoning: string,
  reasoning_content: string,
  tool_calls: arrayOf(
    object({
      id: string,
      type: string,
      index: integer,
      function: { ...object({ name: string, arguments: string }), nullable: true },
    }),
  ),
})

type Decoded = Omit<ChatWire, 'tool_choice'> & { tool_choice: ToolChoice }

const read = validator<Decoded>(
  object({
    ...sharedProperties,
    ...samplingProperties,
    ...formatProperties,
    messages: arrayOf(messageSchema),
    max_completion_tokens: integer,
    tools: arrayOf(
      object({ type: string, function: { ...object({ name: string, description: string }), nullable: true } }),
    ),
    tool_choice: {},
    parallel_tool_calls: boolean,
    logprobs: boolean,
    top_logprobs: integer,
    prompt_logprobs: integer,
    return_tokens_as_token_ids: boolean,
    return_token_ids: boolean,
    return_prompt_text: boolean,
    echo: boolean,
    include_reasoning: boolean,
    reasoning_effort: string,
    thinking_token_budget: integer,
    documents: arrayOf({}),
    add_generation_prompt: boolean,
    continue_final_message: boolean,
    add_special_tokens: boolean,
    chat_template: string,
    chat_template_kwargs: anyObject,
  }),
)

/** @throws RequestError 400 naming the member that is wrong */
export function decodeChat(json: unknown): ChatWire {
  const wire = read(json)
  checkContent(wire.messages ?? [])
  wire.tool_choice = readToolChoice(wire.tool_choice)
  return wire
}

/**
 * Content is text or a list of blocks, and an image's URL stands in an object.
 * @param fail makes the error
 */
export function checkContent(
  messages: readonly WireMessage[],
  fail: (detail: string, param: string | null) => Error = unparsable,
): void {
  checkItems(messages, 'messages', message => [(message as WireMessage).content])
  for (const { content } of messages) {
    if (typeof content === 'string' || content === null || content === undefined) continue
    if (!Array.isArray(content) || !content.every(isBlock)) {
      throw fail('content format not supported', 'messages')
    }
  }
}

/** Where the blocks that are read have their address or data. */
const sources: ReadonlyMap<unknown, string> = new Map([
  ['image_url', 'url'],
  ['input_audio', 'data'],
  ['video_url', 'url'],
])

function isBlock(part: unknown): boolean {
  if (!isObject(part)) return false
  const type = part['type']
  if (!isTextOrNothing(type)) return false
  if (type === 'text') return isTextOrNothing(part['text'])
  const source = sources.get(type)
  if (source === undefined) return true
  const holder = part[type as string]
  return holder === undefined || holder === null || (isObject(holder) && isTextOrNothing(holder[source]))
}

function isTextOrNothing(value: unknown): boolean {
  return typeof value === 'string' || value === undefined || value === null
}
