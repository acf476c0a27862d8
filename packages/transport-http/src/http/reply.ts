import type { ServerResponse } from 'node:http'
import type { RequestError } from '@vllm-sim/core-engine'
import { commonErrors, type ErrorForm } from './errors.ts'

export type Headers = Readonly<Record<string, string>>

/** Holds the size of a body that was sent whole: Node does not keep the headers of `writeHead`. */
const size = Symbol('body size')
type Sized = ServerResponse & { [size]?: number }

/** Bytes of the body that was sent whole, 0 for streams. */
export function bodySize(res: ServerResponse): number {
  return (res as Sized)[size] ?? 0
}

/** Sends a whole JSON body. Does nothing when an answer has begun or the client is gone. */
export function sendJson(res: ServerResponse, status: number, body: string, headers?: Headers): void {
  if (res.headersSent || res.destroyed) return
  const bytes = Buffer.byteLength(body)
  ;(res as Sized)[size] = bytes
  // One flat object: Node takes this faster than setHeader calls.
  const own = { 'content-type': 'application/json', 'content-length': bytes }
  res.writeHead(status, headers ? { ...own, ...headers } : own)
  // ASCII is the same in Latin-1, which is the cheaper way to the socket.
  res.end(body, bytes === body.length ? 'latin1' : 'utf8')
}

/** Sends an error, in the common form where no other is given. */
export function sendError(
  res: ServerResponse,
  error: RequestError,
  headers?: Headers,
  form: ErrorForm = commonErrors,
): void {
  // 1xx, 204 and 304 have no body; they only come from X-Return-Error.
  if (error.status < 200 || error.status === 204 || error.status === 304) sendEmpty(res, error.status, headers)
  else sendJson(res, error.status, form.body(error), headers)
}

/** Sends a status without a body. */
export function sendEmpty(res: ServerResponse, status: number, headers?: Headers): void {
  if (res.headersSent || res.destroyed) return
  const length = status === 204 || status === 304 || status < 200 ? undefined : { 'content-length': '0' }
  res.writeHead(status, { ...length, ...headers }).end()
}

/** Sends plain text. */
export function sendText(res: ServerResponse, status: number, body: string, headers?: Headers): void {
  if (res.headersSent || res.destroyed) return
  const bytes = Buffer.byteLength(body)
  ;(res as Sized)[size] = bytes
  res.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'content-length': bytes, ...headers })
  res.end(body)
}
