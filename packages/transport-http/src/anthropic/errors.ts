import { RequestError } from '@vllm-sim/core-engine'
import type { ErrorForm } from '../http/errors.ts'

/** Anthropic's names of errors, by status. */
const types: Readonly<Record<number, string>> = {
  400: 'invalid_request_error',
  401: 'authentication_error',
  402: 'billing_error',
  403: 'permission_error',
  404: 'not_found_error',
  413: 'request_too_large',
  429: 'rate_limit_error',
  503: 'overloaded_error',
  504: 'timeout_error',
  529: 'overloaded_error',
}

function errorType(status: number): string {
  return types[status] ?? (status < 500 ? 'invalid_request_error' : 'api_error')
}

/** An error with the details by which Anthropic's clients tell what to do about it. */
export class DetailedError extends RequestError {
  override readonly name = 'DetailedError'
  readonly details: { readonly error_code: string }

  constructor(status: number, message: string, param: string, errorCode: string) {
    super(status, message, param)
    this.details = { error_code: errorCode }
  }
}

function errorBody(error: RequestError): string {
  const { status, message } = error
  const details = error instanceof DetailedError ? { details: error.details } : undefined
  return JSON.stringify({ type: 'error', error: { type: errorType(status), message, ...details }, request_id: null })
}

/** Errors in Anthropic's form. */
export const anthropicErrors: ErrorForm = {
  body: errorBody,
  frames: error => `event: error\ndata: ${errorBody(error)}\n\n`,
}
