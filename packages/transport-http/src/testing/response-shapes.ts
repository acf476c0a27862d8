import type OpenAI from 'openai'
import { checkMembers, type Members } from './members.ts'

type R = OpenAI.Responses.Response

/** What the client adds itself. */
const computed = ['output_text']

const response: Members<Omit<R, 'output_text'>> = {
  id: true,
  access_programs: true,
  created_at: true,
  error: true,
  incomplete_details: true,
  instructions: true,
  metadata: true,
  model: true,
  object: true,
  output: true,
  parallel_tool_calls: true,
  temperature: true,
  tool_choice: true,
  tools: true,
  top_p: true,
  // Not required, and always there.
  background: true,
  completed_at: true,
  max_output_tokens: true,
  max_tool_calls: true,
  previous_response_id: true,
  prompt: true,
  reasoning: true,
  service_tier: true,
  status: true,
  text: true,
  truncation: true,
}

const usage: Members<OpenAI.Responses.ResponseUsage> = {
  input_tokens: true,
  input_tokens_details: true,
  output_tokens: true,
  output_tokens_details: true,
  total_tokens: true,
}
const inputDetails: Members<OpenAI.Responses.ResponseUsage['input_tokens_details']> = {
  cache_write_tokens: true,
  cached_tokens: true,
}
const outputDetails: Members<OpenAI.Responses.ResponseUsage['output_tokens_details']> = { reasoning_tokens: true }

const message: Members<OpenAI.Responses.ResponseOutputMessage> = {
  id: true,
  content: true,
  role: true,
  status: true,
  type: true,
}
const textPart: Members<OpenAI.Responses.ResponseOutputText> = {
  annotations: true,
  text: true,
  type: true,
  logprobs: true,
}
const logprob: Members<NonNullable<OpenAI.Responses.ResponseOutputText['logprobs']>[number]> = {
  token: true,
  bytes: true,
  logprob: true,
  top_logprobs: true,
}
const call: Members<OpenAI.Responses.ResponseFunctionToolCallItem> = {
  arguments: true,
  call_id: true,
  name: true,
  type: true,
  id: true,
  status: true,
}
const reasoning: Members<OpenAI.Responses.ResponseReasoningItem> = {
  id: true,
  summary: true,
  type: true,
  content: true,
  encrypted_content: true,
  status: true,
}
const tool: Members<OpenAI.Responses.FunctionTool> = { name: true, parameters: true, strict: true, type: true }

type Event<Type extends string> = Extract<OpenAI.Responses.ResponseStreamEvent, { type: Type }>
type EventMembers = {
  readonly [E in OpenAI.Responses.ResponseStreamEvent as E['type']]?: Members<E>
}

const lifecycle: Members<Event<'response.created'>> = { response: true, sequence_number: true, type: true }
const item: Members<Event<'response.output_item.added'>> = {
  item: true,
  output_index: true,
  sequence_number: true,
  type: true,
}
const place = { item_id: true, output_index: true, sequence_number: true, type: true } as const
const events: EventMembers = {
  'response.created': lifecycle,
  'response.queued': lifecycle,
  'response.in_progress': lifecycle,
  'response.completed': lifecycle,
  'response.incomplete': lifecycle,
  'response.failed': lifecycle,
  'response.output_item.added': item,
  'response.output_item.done': item,
  'response.content_part.added': { ...place, content_index: true, part: true },
  'response.content_part.done': { ...place, content_index: true, part: true },
  'response.output_text.delta': { ...place, content_index: true, delta: true, logprobs: true },
  'response.output_text.done': { ...place, content_index: true, text: true, logprobs: true },
  'response.reasoning_text.delta': { ...place, content_index: true, delta: true },
  'response.reasoning_text.done': { ...place, content_index: true, text: true },
  'response.function_call_arguments.delta': { ...place, delta: true },
  'response.function_call_arguments.done': { ...place, arguments: true },
}

/** Checks an object as the server sends it, or as the client hands it on. */
export function checkResponse(value: R): void {
  checkMembers('response', value, response, [...computed, 'usage', 'top_logprobs', 'user'])
  for (const one of value.tools) checkMembers('tool', one, tool, ['description'])
  for (const one of value.output) checkItem(one)
  if (value.usage) {
    checkMembers('usage', value.usage, usage)
    checkMembers('input_tokens_details', value.usage.input_tokens_details, inputDetails)
    checkMembers('output_tokens_details', value.usage.output_tokens_details, outputDetails)
  } else if (value.status === 'completed') throw new Error('a completed response has no usage')
}

function checkItem(one: OpenAI.Responses.ResponseOutputItem): void {
  if (one.type === 'message') {
    checkMembers('message', one, message)
    for (const part of one.content) checkPart(part as OpenAI.Responses.ResponseOutputText)
  } else if (one.type === 'function_call') checkMembers('call', one, call)
  else if (one.type === 'reasoning') checkMembers('reasoning', one, reasoning)
  else throw new Error(`unknown item ${one.type}`)
}

function checkPart(part: OpenAI.Responses.ResponseOutputText): void {
  checkMembers('text part', part, textPart)
  for (const entry of part.logprobs ?? []) checkMembers('logprob', entry, logprob)
}

/**
 * Checks the events of a stream: members, rising numbers from `first` on, that each item is told from its start to its
 * end, and that its deltas join to what it says at its end.
 */
export function checkEvents(list: readonly OpenAI.Responses.ResponseStreamEvent[], first = 0): void {
  const texts = new Map<string, string>()
  for (const [at, event] of list.entries()) {
    const members = events[event.type]
    if (!members) throw new Error(`unknown event ${event.type}`)
    checkMembers(event.type, event, members as Members<typeof event>, ['name'])
    if (event.sequence_number !== first + at) {
      throw new Error(`event ${first + at} has the number ${event.sequence_number}`)
    }
    if ('response' in event) checkResponse(event.response)
    if (event.type === 'response.output_item.done') checkItem(event.item)
    if ('delta' in event && 'item_id' in event) texts.set(event.item_id, (texts.get(event.item_id) ?? '') + event.delta)
    if (first > 0) continue
    if ('text' in event) expectSame(texts.get(event.item_id) ?? '', event.text)
    if ('arguments' in event) expectSame(texts.get(event.item_id) ?? '', event.arguments)
  }
}

function expectSame(joined: string, told: string): void {
  if (joined !== told) throw new Error(`deltas join to ${JSON.stringify(joined)}, not to ${JSON.stringify(told)}`)
}
