import { RequestError } from '@vllm-sim/core-engine'

/**
 * The error for a body that cannot be used. Its `param` is null, as in all errors of the reference: the text names the
 * member.
 * @param detail what is wrong, and where
 */
export function unparsable(detail: string): RequestError {
  return new RequestError(400, `Failed to read and parse request body, ${detail}`)
}
