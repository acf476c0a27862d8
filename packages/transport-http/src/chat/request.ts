import { RequestError } from '@vllm-sim/core-engine'
import type { ChatMessage, ChatRender, ContentPart } from '@vllm-sim/tokenizer'
import type { ApiContext } from '../context.ts'
import { logprobCount, promptLogprobCount } from '../generation/logprobs.ts'
import type { Mutable } from '../generation/mutable.ts'
import { type FormatBody, formatProperties, readOutputFormat } from '../generation/output-format.ts'
import {
  checkSampling,
  type SamplingBody,
  type SharedBody,
  samplingProperties,
  sharedProperties,
} from '../generation/sampling.ts'
import { checkTools } from '../generation/tool-check.ts'
import { readToolChoice, type ToolChoice, type ToolDefinition } from '../generation/tools.ts'
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

/** A tool as the OpenAI protocol has it. */
export interface WireTool {
  readonly type?: string | null
  readonly function?: { readonly name?: string | null; readonly parameters?: unknown } | null
}

/** The body of `POST /v1/chat/completions`; members that nothing here reads are left out. */
export interface ChatBody extends SamplingBody, SharedBody, FormatBody {
  readonly messages?: readonly WireMessage[] | null
  readonly max_completion_tokens?: number | null
  readonly tools?: readonly WireTool[] | null
  readonly tool_choice?: unknown
  /** `tool_choice` in its one common form. */
  readonly toolChoice: ToolChoice
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

const read = validator<Mutable<ChatBody>>(
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
export function parseChat(json: unknown): ChatBody {
  const body = read(json)
  checkContent(body.messages ?? [])
  body.toolChoice = readToolChoice(body.tool_choice)
  return body
}

/**
 * Content is text or a list of blocks, and an image's URL stands in an object.
 * @param fail makes the error
 */
export function checkContent(
  messages: readonly WireMessage[],
  fail: (detail: string, param: string | null) => Error = unparsable,
): void {
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

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}

function isTextOrNothing(value: unknown): boolean {
  return typeof value === 'string' || value === undefined || value === null
}

/** The limit in force: the newer member wins. */
export function maxTokensOf(body: ChatBody): number | undefined {
  return body.max_completion_tokens ?? body.max_tokens ?? undefined
}

/** The functions of a request. */
export function toolsOf(body: ChatBody): ToolDefinition[] {
  return (body.tools ?? []).map(tool => ({
    name: tool.function?.name ?? '',
    parameters: tool.function?.parameters,
  }))
}

/** @throws RequestError 400 */
export function validateChat(body: ChatBody, context: ApiContext): void {
  if (body.tools?.length) checkTools(toolsOf(body), context.settings.toolCalls)
  checkSampling(body, body, maxTokensOf(body))
  if (body.continue_final_message && body.add_generation_prompt) {
    throw new RequestError(
      400,
      'Cannot set both `continue_final_message` and `add_generation_prompt` to True.',
      'continue_final_message',
    )
  }
  checkLogprobs(body, context)
  readOutputFormat(body)
  const budget = body.thinking_token_budget
  if (typeof budget === 'number' && budget < -1) {
    throw new RequestError(
      400,
      '`thinking_token_budget` must be a non-negative integer or -1 for unlimited.',
      'thinking_token_budget',
    )
  }
}

/** Candidates per token when a request wants logprobs and does not say how many. */
const defaultTopLogprobs = 1

/** How many candidates are to be shown per token; undefined: no logprobs. */
export function topLogprobs(body: ChatBody, context: ApiContext): number | undefined {
  if (!body.logprobs) return undefined
  return logprobCount(body.top_logprobs ?? defaultTopLogprobs, 'sample', 'top_logprobs', context)
}

function checkLogprobs(body: ChatBody, context: ApiContext): void {
  for (const member of ['top_logprobs', 'prompt_logprobs'] as const) {
    const value = body[member]
    if (typeof value === 'number' && value < -1) {
      throw new RequestError(400, `\`${member}\` must be a positive value or -1.`, member)
    }
  }
  topLogprobs(body, context)
  promptLogprobCount(body.prompt_logprobs, context)
}

/** A wire message in the tokenizer's terms. */
export function toChatMessage(message: WireMessage): ChatMessage {
  const chat: ChatMessage = { role: message.role ?? '', content: message.content ?? null }
  if (message.name) chat.name = message.name
  if (message.tool_call_id) chat.toolCallId = message.tool_call_id
  const reasoning = message.reasoning ?? message.reasoning_content
  if (reasoning) chat.reasoning = reasoning
  if (message.tool_calls?.length) {
    chat.toolCalls = message.tool_calls.map(call => ({
      ...(call.id ? { id: call.id } : undefined),
      name: call.function?.name ?? '',
      arguments: call.function?.arguments ?? '',
    }))
  }
  return chat
}

/** The members of a request that make its prompt. */
export type RenderBody = Pick<
  ChatBody,
  | 'messages'
  | 'documents'
  | 'add_generation_prompt'
  | 'continue_final_message'
  | 'add_special_tokens'
  | 'chat_template'
  | 'chat_template_kwargs'
  | 'reasoning_effort'
> & { readonly tools?: readonly unknown[] | null }

/** The conversation of a request, ready to be rendered. */
export function toChatRender(body: RenderBody): ChatRender {
  const chat: ChatRender = { messages: (body.messages ?? []).map(toChatMessage) }
  if (body.tools?.length) chat.tools = body.tools
  if (body.documents) chat.documents = body.documents
  if (typeof body.add_generation_prompt === 'boolean') chat.addGenerationPrompt = body.add_generation_prompt
  if (body.continue_final_message) chat.continueFinalMessage = true
  if (body.add_special_tokens) chat.addSpecialTokens = true
  if (body.chat_template) chat.chatTemplate = body.chat_template
  const kwargs = templateKwargs(body)
  if (kwargs) chat.chatTemplateKwargs = kwargs
  return chat
}

/** A reasoning effort tells the template whether to think, as in vLLM, unless the request tells it itself. */
function templateKwargs({
  chat_template_kwargs: kwargs,
  reasoning_effort: effort,
}: RenderBody): ChatRender['chatTemplateKwargs'] {
  if (typeof effort !== 'string') return kwargs ?? undefined
  return { enable_thinking: effort !== 'none', reasoning_effort: effort, ...kwargs }
}
