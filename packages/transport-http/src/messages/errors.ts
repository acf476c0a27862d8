import type { RequestError } from '@vllm-sim/core-engine'
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

function errorBody({ status, message }: RequestError): string {
  return JSON.stringify({ type: 'error', error: { type: errorType(status), message }, request_id: null })
}

/** Errors in Anthropic's form. */
export const anthropicErrors: ErrorForm = {
  body: errorBody,
  frames: error => `event: error\ndata: ${errorBody(error)}\n\n`,
}
