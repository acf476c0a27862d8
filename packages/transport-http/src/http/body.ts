import { constants } from 'node:buffer'
import type { IncomingMessage } from 'node:http'
import { RealClock, RequestError } from '@vllm-sim/core-engine'
import { SlicedWork } from './sliced-work.ts'
import { TurnBudget } from './turn-budget.ts'

const clock = new RealClock()

/** Bodies up to this length, in characters, are parsed and served in one turn of the event loop. */
export const atOnce = 262_144

/** Bodies from this size on, in bytes, are not parsed in the turn of the event loop in which they are complete. */
const large = 65_536
const largeOnes = new SlicedWork<() => void>(clock, serve => serve())

/** Time for smaller ones in a turn, milliseconds: for some hundred requests. A crowd is served in several turns. */
const smallBudget = 10
const small = new TurnBudget(clock, smallBudget)
const crowd = new SlicedWork<() => void>(clock, serve => serve())

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
 * @param limit bytes; never more than what fits into a text of the runtime, half a gigabyte
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
  const most = Math.min(limit, constants.MAX_STRING_LENGTH)
  let bytes: Buffer | undefined
  let size = 0
  const refuse = (): void => {
    bytes = undefined
    req.removeAllListeners('data').removeAllListeners('end')
    req.resume()
    const answer = (): void => done('', new BodyTooLargeError(most))
    // Closing while more is coming resets the connection, and the answer may be lost with it.
    if (isLast(req)) req.on('end', answer)
    else answer()
  }
  if (Number(req.headers['content-length']) > most) {
    refuse()
    return
  }
  req.on('data', (chunk: Buffer) => {
    if (size + chunk.length > most) {
      refuse()
      return
    }
    // Most bodies come in one piece. Further ones are copied: a piece of one byte may hold the whole block it came in.
    bytes = bytes ? append(bytes, size, chunk) : chunk
    size += chunk.length
  })
  const finish = (): void => done(bytes ? bytes.toString('utf8', 0, size) : '')
  req.on('end', () => {
    if (size < large && small.hasTime) finish()
    else (size < large ? crowd : largeOnes).add(() => req.socket?.destroyed || finish())
  })
}

/** Puts `chunk` behind the first `size` bytes of a buffer, or of a larger one that takes its place. */
function append(bytes: Buffer, size: number, chunk: Buffer): Buffer {
  const needed = size + chunk.length
  let into = bytes
  // The first one belongs to the parser, which left no room behind it.
  if (needed > bytes.length) {
    into = Buffer.allocUnsafe(Math.max(2 * size, needed, 1024))
    bytes.copy(into, 0, 0, size)
  }
  chunk.copy(into, size)
  return into
}

/** Whether the connection ends with the answer to this request. */
function isLast({ httpVersionMinor, headers: { connection = '' } }: IncomingMessage): boolean {
  return httpVersionMinor === 0 ? !/\bkeep-alive\b/i.test(connection) : /\bclose\b/i.test(connection)
}
