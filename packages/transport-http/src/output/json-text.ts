import { RequestError } from '@vllm-sim/core-engine'

/**
 * JSON text of something that contains members of a request as they are.
 * @throws RequestError 400 when these are nested deeper than a JSON writer can follow (a reader goes deeper)
 */
export function jsonText(value: unknown): string {
  try {
    return JSON.stringify(value)
  } catch (error) {
    if (error instanceof RangeError) throw new RequestError(400, `The request cannot be repeated: ${error.message}`)
    throw error
  }
}
