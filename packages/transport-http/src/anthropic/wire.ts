import { isObject } from '@vllm-sim/serving'
import { unparsable } from '../generation/unparsable.ts'
import {
  checkItems,
  type SamplingWire,
  type SharedWire,
  samplingProperties,
  sharedProperties,
} from '../generation/wire.ts'
import type { ResponseFormat } from '../openai/output-format.ts'
import { anyObject, arrayOf, boolean, integer, object, string } from '../schema/types.ts'
import { type JsonSchema, validator } from '../schema/validator.ts'
import type { WireContent, WireMessage } from './conversation.ts'
import type { WireTool, WireToolChoice } from './tools.ts'

/** A request to `POST /v1/messages`; members that nothing here reads are left out. */
export interface MessagesWire extends SamplingWire, SharedWire {
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

type Normal = 'stop' | 'n' | 'cache_hit_threshold'

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

const read = validator<Omit<MessagesWire, Normal> & { -readonly [K in Normal]-?: Exclude<MessagesWire[K], undefined> }>(
  object(members),
)

/** @throws RequestError 400 naming the member that is wrong */
export function decodeMessages(json: unknown): MessagesWire {
  const wire = read(json)
  const { system, messages } = wire
  checkContent(system)
  for (const { content } of messages ?? []) checkContent(content)
  checkItems(system, 'system', () => [])
  checkItems(messages, 'messages', message => parts((message as WireMessage).content))
  // Not members of this protocol, or without effect, as in the reference: what a client sends there is not read.
  wire.stop = wire.stop_sequences ?? null
  wire.n = 1
  wire.cache_hit_threshold = null
  return wire
}

/** Lists in a message: its blocks, and the content of each. */
function parts(content: WireContent): unknown[] {
  return Array.isArray(content) ? [content, ...content.map(block => block.content)] : []
}

/** Content is text or a list of blocks. */
function checkContent(content: unknown): void {
  if (typeof content === 'string' || content === undefined || content === null) return
  if (!Array.isArray(content) || !content.every(isBlock)) throw unparsable('content format not supported')
}

/** Members of the blocks that are read and have to be text. */
const blockTexts = ['type', 'text', 'id', 'name', 'tool_use_id']

function isBlock(block: unknown): boolean {
  return isObject(block) && blockTexts.every(name => typeof (block[name] ?? '') === 'string')
}
