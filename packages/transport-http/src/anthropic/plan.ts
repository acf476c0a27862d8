import { RequestError } from '@vllm-sim/core-engine'
import {
  andThen,
  chatPrompt,
  checkParams,
  checkTools,
  imageDelay,
  type OutputFormat,
  type PlannedAnswer,
  planAnswer,
  plannedRequest,
  type ToolChoice,
  type ToolDefinition,
} from '@vllm-sim/serving'
import type { ChatMessage, ChatRender } from '@vllm-sim/tokenizer'
import type { HttpCall, Plan } from '../generation/endpoint.ts'
import { requestParams, samplingParams } from '../generation/wire.ts'
import { readResponseFormat } from '../openai/output-format.ts'
import { toChatMessages } from './conversation.ts'
import { DetailedError } from './errors.ts'
import { definitions, readToolChoice, templateTools } from './tools.ts'
import type { MessagesWire } from './wire.ts'

/** A message as it will be generated: what is shown needs nothing more. */
export type MessagesPlan = Plan

/** The conversation of a request, which counting needs too. */
export interface MessagesPrompt {
  readonly chat: ChatRender
  readonly choice: ToolChoice
}

/** The checks that need no limit on the answer. @throws RequestError 400 */
export function planPrompt(wire: MessagesWire): MessagesPrompt {
  const messages = toChatMessages(wire.system, wire.messages ?? [])
  const choice = readToolChoice(wire.tool_choice)
  const { thread } = wire
  if (thread?.type === 'continue') throw threadNotFound(thread.previous_message_id)
  if (messages.length === 0) throw new RequestError(400, 'messages must not be empty')
  return { chat: toChatRender(wire, messages), choice }
}

/** @throws RequestError */
export function planMessages(wire: MessagesWire, call: HttpCall): MessagesPlan | Promise<MessagesPlan> {
  const { context } = call
  const { chat, choice } = planPrompt(wire)
  const sampling = samplingParams(wire, wire.max_tokens)
  const params = requestParams(wire)
  if (sampling.maxTokens === undefined) throw new RequestError(400, 'max_tokens is required')
  const tools = wire.tools?.length ? definitions(wire.tools) : undefined
  if (tools) checkTools(tools, context.settings.toolCalls)
  checkParams(sampling, params)
  const format = readResponseFormat(wire.output_config?.format ?? wire.output_format, 'output_config.format')
  call.accept()

  const answer = answerOf(wire, call, tools, choice, format)
  // An omni image is not part of this protocol, but takes its time.
  const extraDelay = imageDelay(call)
  return andThen(chatPrompt(chat, context, {}, call), prompt => {
    const request = plannedRequest(call, sampling, params, [prompt], answer, extraDelay)
    return { context, request, stream: params.stream }
  })
}

/** No conversation is kept between turns. Clients that hear this send the whole one, as the start of a new thread. */
function threadNotFound(id: string | null | undefined): DetailedError {
  const message = `No thread has the message ${JSON.stringify(id ?? '')}: this server keeps none.`
  return new DetailedError(404, message, 'thread', 'thread_not_found')
}

/** The conversation, ready to be rendered. */
function toChatRender(wire: MessagesWire, messages: readonly ChatMessage[]): ChatRender {
  const chat: ChatRender = { messages }
  if (wire.tools?.length) chat.tools = templateTools(wire.tools)
  if (wire.chat_template) chat.chatTemplate = wire.chat_template
  if (wire.chat_template_kwargs) chat.chatTemplateKwargs = wire.chat_template_kwargs
  return chat
}

/** What the request wants instead of ordinary text. @throws RequestError 400 when that cannot be made */
function answerOf(
  wire: MessagesWire,
  { context, id }: HttpCall,
  tools: readonly ToolDefinition[] | undefined,
  choice: ToolChoice,
  format: OutputFormat | undefined,
): PlannedAnswer | undefined {
  const parallel = !wire.tool_choice?.disable_parallel_tool_use
  // The reference runs these requests as chat requests and says so.
  const subject = `chat completion request (req id ${id})`
  const output = planAnswer(
    {
      reasoning: asksForThinking(wire),
      reasoningBudget: wire.thinking?.budget_tokens ?? undefined,
      tools: tools && { tools, choice, parallel, idPrefix: 'toolu_', subject },
      format,
    },
    context,
  )
  return output && { output, fingerprint: JSON.stringify([wire.tools, choice, parallel, format]) }
}

/** What the request says about thinking, if anything. */
function asksForThinking({ thinking, chat_template_kwargs: kwargs }: MessagesWire): boolean | undefined {
  const enabled = kwargs?.['enable_thinking']
  if (typeof enabled === 'boolean') return enabled
  return thinking?.type ? thinking.type !== 'disabled' : undefined
}
