import type { ExtraKey } from '../events.ts'
import type { PromptFeatures } from '../request.ts'

/** An image, audio or video in a prompt: its content hash and the token positions [start, end) of its placeholder. */
export interface MediaItem {
  readonly hash: string
  readonly start: number
  readonly end: number
}

/** Per block the keys that go into its hash beside the tokens; undefined where there are none. */
export type ExtraKeys = (ExtraKey[] | undefined)[]

/**
 * A prompt's media in order of position; equal positions by modality and then as listed. A hash without a range, or a
 * range without a hash, is left out.
 */
export function mediaItems(features: PromptFeatures | undefined): MediaItem[] {
  if (!features) return []
  const items: MediaItem[] = []
  for (const modality of Object.keys(features.mmHashes).sort()) {
    const hashes = features.mmHashes[modality]!
    const ranges = features.mmPlaceholders[modality] ?? []
    const pairs = Math.min(hashes.length, ranges.length)
    for (let i = 0; i < pairs; i++) {
      const { offset, length } = ranges[i]!
      items.push({ hash: hashes[i]!, start: offset, end: offset + length })
    }
  }
  return items.sort((a, b) => a.start - b.start)
}

/**
 * Extra keys of each of `count` blocks, or undefined when no block has any. The order within a block is vLLM's: LoRA
 * name, media, cache salt (first block only).
 *
 * @param mediaKey the key of one medium in the block that begins at token `blockStart`
 */
export function extraKeys(
  count: number,
  blockSize: number,
  features: PromptFeatures | undefined,
  mediaKey: (item: MediaItem, blockStart: number) => ExtraKey,
  lora: string | undefined,
  cacheSalt: string | undefined,
): ExtraKeys | undefined {
  const items = mediaItems(features)
  if (count === 0 || (items.length === 0 && !lora && !cacheSalt)) return undefined
  const keys: ExtraKeys = Array.from({ length: count }, () => (lora ? [lora] : undefined))
  let any = Boolean(lora || cacheSalt)
  for (const item of items) {
    const first = Math.max(0, Math.floor(item.start / blockSize))
    for (let block = first; block < count && block * blockSize < item.end; block++) {
      ;(keys[block] ??= []).push(mediaKey(item, block * blockSize))
      any = true
    }
  }
  if (cacheSalt) (keys[0] ??= []).push(cacheSalt)
  return any ? keys : undefined
}

/** The extra keys of a prompt's whole blocks, as `extraKeys`, and those of the rest of it, which is less than a block. */
export function promptKeys(
  count: number,
  ...further: [
    blockSize: number,
    features: PromptFeatures | undefined,
    mediaKey: (item: MediaItem, blockStart: number) => ExtraKey,
    lora: string | undefined,
    cacheSalt: string | undefined,
  ]
): { extra: ExtraKeys | undefined; rest: ExtraKey[] | undefined } {
  const all = extraKeys(count + 1, ...further)
  const rest = all?.pop()
  return { extra: all?.some(keys => keys !== undefined) ? all : undefined, rest }
}
