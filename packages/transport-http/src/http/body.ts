import type { IncomingMessage } from 'node:http'
import { RequestError } from '@vllm-sim/core-engine'

/** The body is larger than the server takes. */
class BodyTooLargeError extends RequestError {
  override readonly name = 'BodyTooLargeError'

  constructor(limit: number) {
    super(413, `Request body is larger than the limit of ${limit} bytes (option max-request-body-size-mb)`)
  }
}

/**
 * Reads a request's body as text. A body over the limit is refused as soon as that is known, or, on a connection that
 * ends with the answer, when it has arrived; the rest is read and dropped, so that a client that is still sending gets to
 * see the answer.
 * @param limit bytes
 * @param done called once with the text, or with why there is none; not called when the client goes away
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
  const refuse = (): void => {
    first = undefined
    rest = undefined
    req.removeAllListeners('data').removeAllListeners('end')
    req.resume()
    const answer = (): void => done('', new BodyTooLargeError(limit))
    // Closing while more is coming resets the connection, and the answer may be lost with it.
    if (isLast(req)) req.on('end', answer)
    else answer()
  }
  if (Number(req.headers['content-length']) > limit) {
    refuse()
    return
  }
  req.on('data', (chunk: Buffer) => {
    size += chunk.length
    if (size > limit) refuse()
    else if (!first) first = chunk
    else if (rest) rest.push(chunk)
    else rest = [first, chunk]
  })
  req.on('end', () => {
    if (rest) done(Buffer.concat(rest, size).toString())
    else done(first ? first.toString() : '')
  })
}

/** Whether the connection ends with the answer to this request. */
function isLast({ httpVersionMinor, headers: { connection = '' } }: IncomingMessage): boolean {
  return httpVersionMinor === 0 ? !/\bkeep-alive\b/i.test(connection) : /\bclose\b/i.test(connection)
}
