import { RequestError } from '@vllm-sim/core-engine'

const types: Readonly<Record<number, string>> = {
  400: 'BadRequestError',
  401: 'AuthenticationError',
  403: 'PermissionDeniedError',
  404: 'NotFoundError',
  422: 'UnprocessableEntityError',
  429: 'RateLimitError',
}

/** The `type` member of an error body. */
export function errorType(status: number): string {
  return types[status] ?? (status >= 500 ? 'InternalServerError' : 'APIConnectionError')
}

/** The error body of all endpoints. */
export function errorBody(error: Pick<RequestError, 'status' | 'message' | 'param'>): string {
  return `{"error":${errorObject(error)}}`
}

/** The object inside of the error body. */
export function errorObject({ status, message, param }: Pick<RequestError, 'status' | 'message' | 'param'>): string {
  return JSON.stringify({ message, type: errorType(status), param, code: status })
}

/** What to tell a client of an exception: its own status, or a 500. */
export function toRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error
  const { status, message } = error as { status?: unknown; message?: unknown }
  const known = typeof status === 'number' && status >= 400 && status <= 599
  return new RequestError(known ? status : 500, typeof message === 'string' ? message : String(error))
}
