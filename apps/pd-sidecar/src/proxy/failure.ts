import type { ServerResponse } from 'node:http'
import { answerHeaders } from '../http/forward.ts'
import type { ResponseHead } from '../http/head.ts'

/** What a client is told instead of an answer, in the form of vLLM's errors. */
export class Failure extends Error {
  override readonly name = 'Failure'
  readonly status: number
  readonly type: string

  constructor(status: number, type: string, message: string) {
    super(message)
    this.status = status
    this.type = type
  }
}

/** The request's body is not usable. */
export function badRequest(message: string): Failure {
  return new Failure(400, 'BadRequestError', message)
}

/** Another server did not do its part. */
export function badGateway(message: string): Failure {
  return new Failure(502, 'BadGateway', message)
}

/** An answer of another server that the client gets as its own: headers, status and body. */
export class ForeignAnswer extends Error {
  override readonly name = 'ForeignAnswer'
  readonly head: ResponseHead
  readonly body: Buffer

  constructor(head: ResponseHead, body: Buffer) {
    super(`the server answered ${head.status}`)
    this.head = head
    this.body = body
  }
}

/** Answers with an error. Nothing may have been sent yet. */
export function sendFailure(res: ServerResponse, { status, type, message }: Failure): void {
  const body = JSON.stringify({ object: 'error', message, type, param: '', code: status })
  sendText(res, status, 'application/json', `${body}\n`)
}

/** Answers with a text. */
export function sendText(
  res: ServerResponse,
  status: number,
  type: string,
  text: string,
  headers: readonly string[] = [],
): void {
  res.writeHead(status, ['content-type', type, ...headers, 'content-length', String(Buffer.byteLength(text))])
  res.end(text)
}

const lengths = new Set(['content-length'])

export function sendForeign(res: ServerResponse, { head, body }: ForeignAnswer): void {
  const headers = answerHeaders(head.headers, lengths)
  res.writeHead(head.status, head.reason, [...headers, 'content-length', String(body.length)])
  res.end(body)
}
