import type { ChatRender, Tokenizer } from '@vllm-sim/tokenizer'

/**
 * Gives values to every chat template that the request does not set itself (`--default-chat-template-kwargs`).
 * @returns the same tokenizer
 */
export function withTemplateDefaults(
  tokenizer: Tokenizer,
  defaults: Readonly<Record<string, unknown>> | undefined,
): Tokenizer {
  if (!defaults) return tokenizer
  const encodeChat = tokenizer.encodeChat.bind(tokenizer)
  return Object.assign(tokenizer, {
    encodeChat: (chat: ChatRender) =>
      encodeChat({ ...chat, chatTemplateKwargs: { ...defaults, ...chat.chatTemplateKwargs } }),
  })
}
