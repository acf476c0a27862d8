import { RequestError } from '@vllm-sim/core-engine'

/** The error for a body that cannot be used. @param detail what is wrong, and where */
export function unparsable(detail: string, param: string | null = null): RequestError {
  return new RequestError(400, `Failed to read and parse request body, ${detail}`, param)
}
