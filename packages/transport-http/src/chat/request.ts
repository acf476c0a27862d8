import type { ChatWire } from '../openai/chat/wire.ts'

export { toChatRender } from '../openai/chat/conversation.ts'
export { checkContent, decodeChat as parseChat, messageSchema, type WireMessage } from '../openai/chat/wire.ts'
export type ChatBody = ChatWire

/** The limit in force: the newer member wins. */
export function maxTokensOf(body: ChatBody): number | undefined {
  return body.max_completion_tokens ?? body.max_tokens ?? undefined
}
