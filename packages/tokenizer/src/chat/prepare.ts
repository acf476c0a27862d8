import { TokenizerError } from '../errors.ts'
import type { ChatMessage, ChatToolCall, ContentPart } from '../types.ts'
import { EXACT_NUMBER } from './python-json.ts'
import { pythonFloat } from './python-text.ts'

/** A message as chat templates see it. */
export type TemplateMessage = Record<string, unknown>

/** What a model writes into the text where an image stands, by `model_type` of its config (vLLM's `get_placeholder_str`). */
const IMAGE_PLACEHOLDERS: Readonly<Record<string, string>> = {
  qwen2_vl: '<|vision_start|><|image_pad|><|vision_end|>',
  qwen2_5_vl: '<|vision_start|><|image_pad|><|vision_end|>',
  qwen3_vl: '<|vision_start|><|image_pad|><|vision_end|>',
  qwen3_vl_moe: '<|vision_start|><|image_pad|><|vision_end|>',
  llava: '<image>',
  llava_next: '<image>',
  internvl_chat: '<image>',
  gemma3: '<start_of_image>',
  mllama: '<|image|>',
  llama4: '<|image|>',
  minicpmv: '(<image>./</image>)',
}

/** The text that stands for an image in string content, if the model is known. */
export function imagePlaceholder(modelType: unknown): string | undefined {
  return typeof modelType === 'string' ? IMAGE_PLACEHOLDERS[modelType] : undefined
}

function toStringContent(content: ChatMessage['content'], image: string | undefined): string {
  if (content === null) return ''
  if (typeof content === 'string') return content
  const placeholders: string[] = []
  const texts: string[] = []
  for (const part of content) {
    if (part.type === 'image_url' && image !== undefined) placeholders.push(image)
    else if (typeof part.text === 'string') texts.push(part.text)
  }
  return [...placeholders, ...texts].join('\n')
}

const MEDIA_TYPES: Readonly<Record<string, string>> = { image_url: 'image', input_audio: 'audio', video_url: 'video' }

function toPart(part: ContentPart): unknown {
  if (typeof part.text === 'string') return { type: 'text', text: part.text }
  const media = MEDIA_TYPES[part.type]
  return media ? { type: media } : part
}

function toPartsContent(content: ChatMessage['content']): unknown[] {
  if (content === null) return []
  if (typeof content === 'string') return [{ type: 'text', text: content }]
  return content.map(toPart)
}

/** JSON with the numbers that JavaScript would write in another way than Python kept apart, for `tojson`. */
function parseExactly(json: string): unknown {
  return JSON.parse(json, (_key, value: unknown, context?: { source?: string }) => {
    if (typeof value !== 'number' || !Number.isInteger(value) || !context?.source) return value
    const { source } = context
    if (/[.eE]/.test(source)) return { [EXACT_NUMBER]: pythonFloat(value) }
    return Number.isSafeInteger(value) ? value : { [EXACT_NUMBER]: source }
  })
}

/** Templates print arguments with `tojson`, so they get the object and not its text. */
function toToolCall(call: ChatToolCall): unknown {
  let parsed: unknown = {}
  try {
    if (call.arguments !== '') parsed = parseExactly(call.arguments)
  } catch (error) {
    const text = `arguments of the tool call ${JSON.stringify(call.name)} are not valid JSON: ${(error as Error).message}`
    throw new TokenizerError(text, 'invalid_request', { cause: error })
  }
  const named = { name: call.name, arguments: parsed }
  return { ...(call.id === undefined ? {} : { id: call.id }), type: 'function', function: named }
}

/**
 * Messages in the form that chat templates expect, as vLLM prepares them.
 * @param format `string`: content is one text, with `image` for each image; `openai`: content is a list of parts
 * @throws TokenizerError (400) when a tool call's arguments are not JSON
 */
export function prepareMessages(
  messages: readonly ChatMessage[],
  format: 'string' | 'openai',
  image?: string,
): TemplateMessage[] {
  return messages.map(message => {
    const { role, content, toolCalls, toolCallId, name, reasoning } = message
    const prepared: TemplateMessage = {
      role,
      content: format === 'openai' ? toPartsContent(content) : toStringContent(content, image),
    }
    if (toolCalls && toolCalls.length > 0) prepared['tool_calls'] = toolCalls.map(toToolCall)
    if (toolCallId) prepared['tool_call_id'] = toolCallId
    if (name) prepared['name'] = name
    if (reasoning) {
      prepared['reasoning'] = reasoning
      prepared['reasoning_content'] = reasoning
    }
    return prepared
  })
}
