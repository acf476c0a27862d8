import { RequestError } from '@vllm-sim/core-engine'

/** An error of vLLM's response store, which names its type in another way than the status does. */
export class InvalidRequestError extends RequestError {
  override readonly name = 'InvalidRequestError'
  readonly type = 'invalid_request_error'
}

/** @param param the request's member, or part of its path, that names the response */
export function responseNotFound(id: string, param = 'response_id'): InvalidRequestError {
  return new InvalidRequestError(404, `Response with id '${id}' not found.`, param)
}
