import type { ChatMessage } from './types.ts'

function contentText(content: ChatMessage['content']): string {
  if (content === null) return ''
  if (typeof content === 'string') return content
  const lines: string[] = []
  for (const part of content) {
    if (part.type === 'text') lines.push(part.text ?? '')
    else if (part.type === 'image_url' && part.image_url) lines.push(`image: ${part.image_url.url}`)
  }
  return lines.join('\n')
}

/**
 * A message as plain text: its content, parts joined by newlines (images as `image: <url>`), then each named tool call as
 * `[name(arguments)]`. Without the role this is what echo mode sends back.
 */
export function messageText(message: ChatMessage): string {
  let text = contentText(message.content)
  for (const call of message.toolCalls ?? []) if (call.name !== '') text += `[${call.name}(${call.arguments})]`
  return text
}

/** `messageText` after `<role>: `, or `<role>(<tool call id>): `. */
export function messageTextWithRole(message: ChatMessage): string {
  const id = message.toolCallId ? `(${message.toolCallId})` : ''
  return `${message.role}${id}: ${messageText(message)}`
}

/** The prompt that the simulated tokenizer encodes for a conversation: `### <role>: <text>` and a newline per message. */
export function flattenChat(messages: readonly ChatMessage[]): string {
  let text = ''
  for (const message of messages) text += `### ${messageTextWithRole(message)}\n`
  return text
}

/** The second flattening, without marks between messages: pieces in render mode, and the dataset's `input_text`. */
export function joinChat(messages: readonly ChatMessage[]): string {
  let text = ''
  for (const message of messages) text += messageTextWithRole(message)
  return text
}

/** The text that echo mode answers with: the last message of any role, without the role; empty without messages. */
export function echoText(messages: readonly ChatMessage[]): string {
  const last = messages.at(-1)
  return last ? messageText(last) : ''
}
