import { fnv1a32 } from './fnv.ts'
import type { ChatMessage, ContentPart, MultimodalFeatures } from './types.ts'

interface MediaItem {
  modality: 'image' | 'audio' | 'video'
  /** URL or base64 data; what the hash is made of. */
  source: string
}

const SHORT_NAME = { image: 'img', audio: 'audio', video: 'video' } as const

function mediaOf(part: ContentPart): MediaItem | undefined {
  if (part.type === 'image_url' && part.image_url?.url) return { modality: 'image', source: part.image_url.url }
  if (part.type === 'input_audio' && part.input_audio?.data) return { modality: 'audio', source: part.input_audio.data }
  if (part.type === 'video_url' && part.video_url?.url) return { modality: 'video', source: part.video_url.url }
  return undefined
}

/** Image, audio and video parts of a conversation with a non-empty source, in document order. */
function mediaItems(messages: readonly ChatMessage[]): MediaItem[] {
  const items: MediaItem[] = []
  for (const message of messages) {
    if (message.content === null || typeof message.content === 'string') continue
    for (const part of message.content) {
      const item = mediaOf(part)
      if (item) items.push(item)
    }
  }
  return items
}

/** True when a conversation has an image, audio or video part. */
export function hasMedia(messages: readonly ChatMessage[]): boolean {
  return mediaItems(messages).length > 0
}

/**
 * Made-up multimodal features: nothing is fetched. Item `i` of `k` takes the tokens from `i * span`, with
 * `span = max(floor(tokens / k), 1)`, kept inside the prompt.
 * @param tokens length of the encoded prompt
 * @returns undefined when the conversation has no media
 */
export function stubFeatures(messages: readonly ChatMessage[], tokens: number): MultimodalFeatures | undefined {
  const items = mediaItems(messages)
  if (items.length === 0) return undefined
  const features = { mmHashes: {}, mmPlaceholders: {}, kwargsData: {} } as Required<MultimodalFeatures>
  const span = Math.max(Math.floor(tokens / items.length), 1)
  for (const [index, { modality, source }] of items.entries()) {
    const hashes = (features.mmHashes[modality] ??= [])
    const hash = `sim_${SHORT_NAME[modality]}_${hashes.length}_${fnv1a32(source.toWellFormed()).toString(16)}`
    const start = index * span
    const offset = start >= tokens ? Math.max(tokens - 1, 0) : start
    hashes.push(hash)
    ;(features.kwargsData[modality] ??= []).push(Buffer.from(hash).toString('base64'))
    ;(features.mmPlaceholders[modality] ??= []).push({ offset, length: Math.max(Math.min(span, tokens - offset), 1) })
  }
  return features
}
