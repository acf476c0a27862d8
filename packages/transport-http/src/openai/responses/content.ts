import type { ChatMessage, ContentPart } from '@vllm-sim/tokenizer'
import { unparsable } from '../../generation/unparsable.ts'

/**
 * The content of an item as a list of parts in the tokenizer's terms.
 * @throws RequestError 400
 */
export function partsOf(content: unknown): ContentPart[] {
  if (content === undefined || content === null) return []
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  if (!Array.isArray(content)) throw badContent('content must be a string or array')
  return content.map(readPart)
}

function readPart(part: unknown): ContentPart {
  if (typeof part !== 'object' || part === null || Array.isArray(part))
    throw badContent('a content part must be an object')
  const fields = part as Readonly<Record<string, unknown>>
  const type = fields['type'] || 'input_text'
  switch (type) {
    case 'input_text':
    case 'output_text':
      return { type: 'text', text: stringIn(fields, 'text') }
    case 'input_image': {
      const image = fields['image_url']
      const url = typeof image === 'object' && image !== null ? stringIn(image, 'url') : stringIn(fields, 'image_url')
      return { type: 'image_url', image_url: { url } }
    }
    case 'input_audio': {
      // OpenAI nests the two members, the reference does not.
      const nested = fields['input_audio']
      const audio = typeof nested === 'object' && nested !== null ? nested : fields
      return { type: 'input_audio', input_audio: { data: stringIn(audio, 'data'), format: stringIn(audio, 'format') } }
    }
    default:
      throw unparsable(`unsupported input content type ${JSON.stringify(String(type))}`)
  }
}

function stringIn(fields: object, member: string): string {
  const value = (fields as Record<string, unknown>)[member]
  if (value === undefined || value === null) return ''
  if (typeof value !== 'string') throw badContent(`\`${member}\` must be a string`)
  return value
}

function badContent(detail: string): Error {
  return unparsable(`input must be a string or array: ${detail}`)
}

/** Parts as the content of a message; a single text counts as plain text. */
export function contentOf(parts: readonly ContentPart[]): ChatMessage['content'] {
  if (parts.length === 0) return ''
  const [only] = parts
  return parts.length === 1 && only!.type === 'text' ? only!.text! : parts
}

/** What echo mode answers to a message. */
export function echoOfParts(parts: readonly ContentPart[]): string {
  return parts
    .map(part => {
      if (part.type === 'image_url') return `image: ${part.image_url!.url}`
      if (part.type === 'input_audio') return `audio: ${part.input_audio!.format}`
      return part.text!
    })
    .join('\n')
}
