/** Types of content parts that an encoder works on. */
export const mediaKinds: ReadonlySet<string> = new Set(['image_url', 'audio_url', 'video_url', 'input_audio'])

/** A content part that names its media by URL, or holds it. */
export interface MediaItem {
  /** The URL, when it has one: equal ones are encoded once. */
  readonly url: string | undefined
}

/** What a content part has for an encoder, or undefined. @param part as JSON was parsed */
export function mediaOf(part: unknown): MediaItem | undefined {
  if (typeof part !== 'object' || part === null) return undefined
  const { type } = part as { type?: unknown }
  if (typeof type !== 'string' || !mediaKinds.has(type)) return undefined
  const inner = (part as Record<string, unknown>)[type]
  const url = typeof inner === 'object' && inner !== null ? (inner as { url?: unknown }).url : undefined
  return { url: typeof url === 'string' ? url : undefined }
}
