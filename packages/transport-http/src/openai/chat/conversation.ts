import type { ChatMessage, ChatRender } from '@vllm-sim/tokenizer'
import type { ChatWire, WireMessage } from './wire.ts'

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
export type RenderWire = Pick<
  ChatWire,
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
export function toChatRender(wire: RenderWire): ChatRender {
  const chat: ChatRender = { messages: (wire.messages ?? []).map(toChatMessage) }
  if (wire.tools?.length) chat.tools = wire.tools
  if (wire.documents) chat.documents = wire.documents
  if (typeof wire.add_generation_prompt === 'boolean') chat.addGenerationPrompt = wire.add_generation_prompt
  if (wire.continue_final_message) chat.continueFinalMessage = true
  if (wire.add_special_tokens) chat.addSpecialTokens = true
  if (wire.chat_template) chat.chatTemplate = wire.chat_template
  const kwargs = templateKwargs(wire)
  if (kwargs) chat.chatTemplateKwargs = kwargs
  return chat
}

/** A reasoning effort tells the template whether to think, as in vLLM, unless the request tells it itself. */
function templateKwargs({
  chat_template_kwargs: kwargs,
  reasoning_effort: effort,
}: RenderWire): ChatRender['chatTemplateKwargs'] {
  if (typeof effort !== 'string') return kwargs ?? undefined
  return { enable_thinking: effort !== 'none', reasoning_effort: effort, ...kwargs }
}
