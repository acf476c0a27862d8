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

/** What an error body is made from. `type` replaces the one that the status stands for. */
type ErrorFields = Pick<RequestError, 'status' | 'message' | 'param'> & { readonly type?: string }

/** The error body of all endpoints that have no form of their own. */
export function errorBody(error: ErrorFields): string {
  return `{"error":${errorObject(error)}}`
}

/** The object inside of the error body. */
function errorObject({ status, message, param, type = errorType(status) }: ErrorFields): string {
  return JSON.stringify({ message, type, param, code: status })
}

/** How errors look on an endpoint. */
export interface ErrorForm {
  /** The body of an answer that is an error. */
  body(error: RequestError): string
  /** The frames that end a stream in which something was sent already. */
  frames(error: RequestError): string
}

/** The form of OpenAI, which all endpoints have unless they say otherwise. */
export const commonErrors: ErrorForm = {
  body: errorBody,
  frames: error => `data: ${errorBody(error)}\n\ndata: [DONE]\n\n`,
}

/** What to tell a client of an exception: its own status, or a 500. */
export function toRequestError(error: unknown): RequestError {
  if (error instanceof RequestError) return error
  const { status, message } = error as { status?: unknown; message?: unknown }
  const known = typeof status === 'number' && status >= 400 && status <= 599
  return new RequestError(known ? status : 500, typeof message === 'string' ? message : String(error))
}
