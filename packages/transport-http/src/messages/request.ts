import { RequestError } from '@vllm-sim/core-engine'
import type { ChatMessage, ChatRender } from '@vllm-sim/tokenizer'
import type { ApiContext } from '../context.ts'
import { type OutputFormat, type ResponseFormat, readResponseFormat } from '../generation/output-format.ts'
import {
  checkSampling,
  type SamplingBody,
  type SharedBody,
  samplingProperties,
  sharedProperties,
} from '../generation/sampling.ts'
import { checkTools } from '../generation/tool-check.ts'
import type { ToolChoice } from '../generation/tools.ts'
import { unparsable } from '../generation/unparsable.ts'
import { anyObject, arrayOf, boolean, integer, object, string } from '../schema/types.ts'
import { type JsonSchema, validator } from '../schema/validator.ts'
import { toChatMessages, type WireContent, type WireMessage } from './conversation.ts'
import { DetailedError } from './errors.ts'
import { definitions, readToolChoice, templateTools, type WireTool, type WireToolChoice } from './tools.ts'

/** Members as they are sent; those that nothing here reads are left out. */
interface WireBody extends Omit<SamplingBody, 'stop' | 'n'>, SharedBody {
  readonly messages?: readonly WireMessage[] | null
  readonly system?: WireContent
  readonly stop_sequences?: readonly string[] | null
  readonly tools?: readonly WireTool[] | null
  readonly tool_choice?: WireToolChoice | null
  readonly thinking?: { readonly type?: string | null; readonly budget_tokens?: number | null } | null
  readonly output_config?: { readonly format?: ResponseFormat | null } | null
  /** Where older clients put `output_config.format`. */
  readonly output_format?: ResponseFormat | null
  /** Where the conversation is that `messages` continue. */
  readonly thread?: { readonly type?: string | null; readonly previous_message_id?: string | null } | null
  readonly chat_template?: string | null
  readonly chat_template_kwargs?: Readonly<Record<string, unknown>> | null
}

/** The body of `POST /v1/messages`. */
export interface MessagesBody extends WireBody {
  /** The conversation in the tokenizer's terms. */
  readonly chat: readonly ChatMessage[]
  /** `tool_choice` in its one common form. */
  readonly toolChoice: ToolChoice
  /** What is wrong with the content; told after the model was found. */
  readonly problem: RequestError | undefined
}

// Content is checked apart, for the sake of its own message.
const messageSchema = object({ role: string, content: {} })

const formatSchema: JsonSchema = { ...object({ type: string }), nullable: true }

const { n: _, stop: __, ...sampling } = samplingProperties

const members: Record<string, JsonSchema> = {
  ...sharedProperties,
  ...sampling,
  messages: arrayOf(messageSchema),
  system: {},
  stop_sequences: arrayOf({ type: 'string' }),
  tools: arrayOf(object({ name: string, description: string, input_schema: anyObject })),
  tool_choice: { ...object({ type: string, name: string, disable_parallel_tool_use: boolean }), nullable: true },
  thinking: { ...object({ type: string, budget_tokens: integer }), nullable: true },
  output_config: { ...object({ format: formatSchema }), nullable: true },
  output_format: formatSchema,
  thread: { ...object({ type: string, previous_message_id: string }), nullable: true },
  chat_template: string,
  chat_template_kwargs: anyObject,
}

const read = validator<WireBody>(object(members))

/** @throws RequestError 400 naming the member that is wrong */
export function parseMessages(json: unknown): MessagesBody {
  const body = read(json)
  checkContent(body.system)
  for (const { content } of body.messages ?? []) checkContent(content)
  let chat: readonly ChatMessage[] = []
  let toolChoice: ToolChoice = { mode: 'auto' }
  let problem: RequestError | undefined
  try {
    chat = toChatMessages(body.system, body.messages ?? [])
    toolChoice = readToolChoice(body.tool_choice)
  } catch (error) {
    if (!(error instanceof RequestError)) throw error
    problem = error
  }
  return { ...body, chat, toolChoice, problem }
}

/** Content is text or a list of blocks. */
function checkContent(content: unknown): void {
  if (typeof content === 'string' || content === undefined || content === null) return
  if (!Array.isArray(content) || !content.every(isBlock)) throw unparsable('content format not supported')
}

/** Members of the blocks that are read and have to be text. */
const blockTexts = ['type', 'text', 'id', 'name', 'tool_use_id']

function isBlock(block: unknown): boolean {
  if (typeof block !== 'object' || block === null || Array.isArray(block)) return false
  const members = block as Readonly<Record<string, unknown>>
  return blockTexts.every(name => typeof (members[name] ?? '') === 'string')
}

/** No conversation is kept between turns. Clients that hear this send the whole one, as the start of a new thread. */
function threadNotFound(id: string | null | undefined): DetailedError {
  const message = `No thread has the message ${JSON.stringify(id ?? '')}: this server keeps none.`
  return new DetailedError(404, message, 'thread', 'thread_not_found')
}

/** The checks that need no limit on the answer: those of counting. @throws RequestError 400 */
export function validateConversation(body: MessagesBody): void {
  if (body.problem) throw body.problem
  if (body.thread?.type === 'continue') throw threadNotFound(body.thread.previous_message_id)
  if (body.chat.length === 0) throw new RequestError(400, 'messages must not be empty')
}

/** @throws RequestError 400 */
export function validateMessages(body: MessagesBody, context: ApiContext): void {
  validateConversation(body)
  const maxTokens = body.max_tokens ?? undefined
  if (maxTokens === undefined) throw new RequestError(400, 'max_tokens is required')
  if (body.tools?.length) checkTools(definitions(body.tools), context.settings.toolCalls)
  checkSampling(samplingOf(body), body, maxTokens)
  formatOf(body)
}

/** The members that limit and shape the text, under their common names. */
export function samplingOf(body: MessagesBody): SamplingBody {
  // `stop` and `n` are not members of this protocol: what a client sends there is not read.
  return { ...body, stop: body.stop_sequences ?? null, n: 1 }
}

/** The form that the text must have, if any. @throws RequestError 400 */
export function formatOf(body: MessagesBody): OutputFormat | undefined {
  return readResponseFormat(body.output_config?.format ?? body.output_format, 'output_config.format')
}

/** The conversation of a request, ready to be rendered. */
export function renderOf(body: MessagesBody): ChatRender {
  return {
    messages: body.chat,
    ...(body.tools?.length ? { tools: templateTools(body.tools) } : undefined),
    ...(body.chat_template ? { chatTemplate: body.chat_template } : undefined),
    ...(body.chat_template_kwargs ? { chatTemplateKwargs: body.chat_template_kwargs } : undefined),
  }
}

/** What the request says about thinking, if anything. */
export function asksForThinking({ thinking, chat_template_kwargs: kwargs }: MessagesBody): boolean | undefined {
  const enabled = kwargs?.['enable_thinking']
  if (typeof enabled === 'boolean') return enabled
  return thinking?.type ? thinking.type !== 'disabled' : undefined
}
