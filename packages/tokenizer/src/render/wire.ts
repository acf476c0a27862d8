import type { ChatMessage, ChatRender } from '../types.ts'

function toMessage({ role, content, toolCalls, toolCallId, name, reasoning }: ChatMessage): Record<string, unknown> {
  const empty = content === null || content.length === 0
  return {
    ...(role ? { role } : {}),
    ...(empty ? {} : { content }),
    ...(toolCalls?.length
      ? {
          tool_calls: toolCalls.map((call, index) => ({
            function: { name: call.name, arguments: call.arguments },
            id: call.id ?? '',
            type: 'function',
            index,
          })),
        }
      : {}),
    ...(toolCallId ? { tool_call_id: toolCallId } : {}),
    ...(name ? { name } : {}),
    ...(reasoning ? { reasoning, reasoning_content: reasoning } : {}),
  }
}

/**
 * Body of `/v1/chat/completions/render`. Unlike the reference it has everything that changes the prompt, tools and template
 * arguments included, so that token counts are those of a real vLLM.
 */
export function chatBody(model: string, chat: ChatRender): Record<string, unknown> {
  return {
    model,
    messages: chat.messages.map(toMessage),
    ...(chat.tools?.length ? { tools: chat.tools } : {}),
    ...(chat.documents ? { documents: chat.documents } : {}),
    ...(chat.addGenerationPrompt === undefined ? {} : { add_generation_prompt: chat.addGenerationPrompt }),
    ...(chat.continueFinalMessage === undefined ? {} : { continue_final_message: chat.continueFinalMessage }),
    ...(chat.chatTemplate === undefined ? {} : { chat_template: chat.chatTemplate }),
    ...(chat.chatTemplateKwargs ? { chat_template_kwargs: chat.chatTemplateKwargs } : {}),
    ...(chat.addSpecialTokens === undefined ? {} : { add_special_tokens: chat.addSpecialTokens }),
  }
}
