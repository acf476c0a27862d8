import type { IncomingMessage } from 'node:http'
import { RequestError } from '@vllm-sim/core-engine'

/** The body is larger than the server takes. */
export class BodyTooLargeError extends RequestError {
  override readonly name = 'BodyTooLargeError'

  constructor(limit: number) {
    super(413, `Request body is larger than the limit of ${limit} bytes (option max-request-body-size-mb)`)
  }
}

/**
 * Reads a request's body as text. Whatever is over the limit is read and dropped, so that a client that is still sending
 * gets to see the answer.
 * @param done gets the text, or why there is none; not called when the client goes away
 */
export function readBody(
  req: IncomingMessage,
  limit: number,
  done: (text: string, error?: RequestError) => void,
): void {
  // A JSON parser of the application around us may have read it already.
  const parsed = (req as { body?: unknown }).body
  if (parsed !== undefined && req.readableEnded) {
    done(typeof parsed === 'string' ? parsed : JSON.stringify(parsed))
    return
  }
  let first: Buffer | undefined
  let rest: Buffer[] | undefined
  let size = 0
  req.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > limit) {
      first = undefined
      rest = undefined
    } else if (!first) first = chunk
    else if (rest) rest.push(chunk)
    else rest = [first, chunk]
  })
  req.on('end', () => {
    if (size > limit) done('', new BodyTooLargeError(limit))
    else if (rest) done(Buffer.concat(rest, size).toString())
    else done(first ? first.toString() : '')
  })
}
