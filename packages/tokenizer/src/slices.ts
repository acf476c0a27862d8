import type { StartTimer } from '@vllm-sim/download'
import { TokenizerError } from './errors.ts'

/** Ids that are decoded at a time: ten milliseconds. */
const SLICE = 16_384

/** Most ids that are decoded at once. */
const MOST = 4 * SLICE

/** Characters that ids may be decoded to: one id may stand for a word of megabytes. */
const LONGEST_TEXT = 2 ** 24

/** Resolves when others have had their turn. */
export type Pause = () => Promise<void>

export function pauseOf(startTimer: StartTimer): Pause {
  return () => new Promise<void>(resolve => startTimer(0, resolve))
}

/** @throws TokenizerError when ids stand for too much text @param length its characters */
export function checkTextLength(length: number): void {
  if (length <= LONGEST_TEXT) return
  throw new TokenizerError(`the tokens' text is longer than ${LONGEST_TEXT} characters`, 'invalid_request')
}

/** Whether ids are so many that others would notice when they are decoded at once. */
export function isLongList(ids: readonly number[]): boolean {
  return ids.length > MOST
}

/**
 * The text of a long list of ids, a slice at a time, with a pause after each.
 * @param decode gives the text of each slice in turn
 * @throws TokenizerError when it is too long; the reason of the signal
 */
export async function decodeInSlices(
  ids: readonly number[],
  decode: (slice: readonly number[]) => string,
  pause: Pause,
  signal: AbortSignal | undefined,
): Promise<string> {
  const parts: string[] = []
  let length = 0
  for (let start = 0; start < ids.length; start += SLICE) {
    if (start > 0) await pause()
    signal?.throwIfAborted()
    const part = decode(ids.slice(start, start + SLICE))
    length += part.length
    checkTextLength(length)
    parts.push(part)
  }
  return parts.join('')
}
