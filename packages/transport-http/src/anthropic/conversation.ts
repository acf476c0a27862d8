import { RequestError } from '@vllm-sim/core-engine'
import type { ChatMessage, ChatToolCall, ContentPart } from '@vllm-sim/tokenizer'

/** A content block as it was sent. */
export type WireBlock = Readonly<Record<string, unknown>>

/** Text, or a list of blocks. */
export type WireContent = string | readonly WireBlock[] | null | undefined

export interface WireMessage {
  readonly role?: string | null
  readonly content?: WireContent
}

/** Text that some clients put before their system prompt, different at each request; it would spoil prefix caching. */
const billingHeader = 'x-anthropic-billing-header'

/**
 * A conversation in the tokenizer's terms, the system prompt first. Blocks of unknown types are left out, and so are
 * messages that have nothing else.
 * @throws RequestError 400 when an image has no source
 */
export function toChatMessages(system: WireContent, messages: readonly WireMessage[]): ChatMessage[] {
  const chat: ChatMessage[] = []
  const prompt = systemText(system)
  if (prompt !== '') chat.push({ role: 'system', content: prompt })
  for (const { role, content } of messages) {
    if (typeof content === 'string') chat.push({ role: role ?? '', content })
    else addBlocks(chat, role ?? '', content ?? [])
  }
  return chat
}

function systemText(system: WireContent): string {
  const texts = typeof system === 'string' ? [system] : (system ?? []).map(block => stringOf(block['text']))
  return texts
    .map(withoutBillingHeader)
    .filter(text => text !== '')
    .join('\n')
}

function withoutBillingHeader(text: string): string {
  if (!text.startsWith(billingHeader)) return text
  const end = text.indexOf('\n')
  return end < 0 ? '' : text.slice(end + 1)
}

function addBlocks(chat: ChatMessage[], role: string, blocks: readonly WireBlock[]): void {
  const parts: ContentPart[] = []
  const toolCalls: ChatToolCall[] = []
  const results: ChatMessage[] = []
  let reasoning = ''
  for (const block of blocks) {
    switch (block['type']) {
      case 'text':
        parts.push({ type: 'text', text: stringOf(block['text']) })
        break
      case 'image':
        parts.push(imagePart(block))
        break
      case 'thinking':
        reasoning += stringOf(block['thinking'])
        break
      case 'tool_use':
        toolCalls.push(toolCall(block))
        break
      case 'tool_result':
        results.push(toolResult(block))
        break
    }
  }
  if (parts.length > 0 || toolCalls.length > 0 || reasoning !== '') {
    chat.push({
      role,
      content: contentOf(parts),
      ...(toolCalls.length > 0 ? { toolCalls } : undefined),
      ...(reasoning === '' ? undefined : { reasoning }),
    })
  }
  chat.push(...results)
}

/** Parts as the content of a message; a single text counts as plain text. */
function contentOf(parts: readonly ContentPart[]): ChatMessage['content'] {
  const [first] = parts
  if (!first) return null
  return parts.length === 1 && first.type === 'text' ? first.text! : parts
}

function toolCall(block: WireBlock): ChatToolCall {
  return {
    id: stringOf(block['id']),
    name: stringOf(block['name']),
    arguments: JSON.stringify(block['input'] ?? {}),
  }
}

/** The result of a call is a message of its own. */
function toolResult(block: WireBlock): ChatMessage {
  const { content } = block as { content?: WireContent }
  return { role: 'tool', toolCallId: stringOf(block['tool_use_id']), content: resultContent(content) }
}

function resultContent(content: WireContent): ChatMessage['content'] {
  if (typeof content === 'string') return content
  const parts: ContentPart[] = []
  for (const block of Array.isArray(content) ? content : []) {
    if (block?.type === 'text') parts.push({ type: 'text', text: stringOf(block.text) })
    else if (block?.type === 'image') parts.push(imagePart(block))
  }
  if (parts.some(part => part.type !== 'text')) return parts
  return parts.map(part => part.text).join('\n')
}

function imagePart(block: WireBlock): ContentPart {
  const source = block['source']
  if (typeof source !== 'object' || source === null) {
    throw new RequestError(400, "image content block is missing required 'source' field")
  }
  const { type, media_type, data, url } = source as Readonly<Record<string, unknown>>
  const link = type === 'base64' ? `data:${stringOf(media_type)};base64,${stringOf(data)}` : stringOf(url)
  return { type: 'image_url', image_url: { url: link } }
}

function stringOf(value: unknown): string {
  return typeof value === 'string' ? value : ''
}
