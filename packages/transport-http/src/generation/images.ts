import type { GenerationRequest } from '@vllm-sim/core-engine'
import type { ApiContext } from '../context.ts'
import type { Received } from './endpoint.ts'
import { booleanHeader } from './headers.ts'

/** The image that omni answers contain: one pixel, PNG, as the inside of a JSON string. */
const url =
  'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='

/** The image as a content part. */
export const imagePart = `{"type":"image_url","image_url":{"url":"${url}"}}`

/**
 * Decides whether an answer gets an image, by `X-Send-Image` or by chance. Such a request has an `extraDelay`, which
 * also tells encoders that there is an image.
 */
export function imageDelay({ req, text }: Received, { settings }: ApiContext): Pick<GenerationRequest, 'extraDelay'> {
  const { images } = settings
  if (!images) return {}
  return booleanHeader(req, 'x-send-image') || images.draw(text) ? { extraDelay: images.delay } : {}
}
