import { constants } from 'node:buffer'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { RealClock, RequestError } from '@vllm-sim/core-engine'
import { bodies, type HeldBody } from '@vllm-sim/serving'
import { largeBodies } from './large-bodies.ts'
import { ReceivedBytes } from './received-bytes.ts'
import { SlicedWork } from './sliced-work.ts'
import { TurnBudget } from './turn-budget.ts'

const clock = new RealClock()

/** Bodies up to this length, in characters, are parsed and served in one turn of the event loop. */
export const atOnce = 262_144

/** Bodies from this size on, in bytes, are not parsed in the turn of the event loop in which they are complete. */
const large = 65_536

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

/** The body stopped coming while others waited for its place. */
class BodyTooSlowError extends RequestError {
  override readonly name = 'BodyTooSlowError'

  constructor() {
    super(
      408,
      `Request body came too slowly while others waited: all together may hold ${bodies.limit} bytes until they are complete`,
    )
  }
}

/**
 * Reads a request's body as text. A body over the limit is refused as soon as that is known, or, on a connection that
 * ends with the answer, when it has arrived; the rest is read and dropped, so that a client that is still sending gets to
 * see the answer.
 * @param limit bytes; never more than what fits into a text of the runtime, half a gigabyte
 * @param done called once with the text, or with why there is none; not called when the client goes away. `release` is to be
 * called when the text is no longer needed; the end of the answer does it too
 */
export function readBody(
  req: IncomingMessage,
  res: ServerResponse,
  limit: number,
  done: (text: string, error: RequestError | undefined, release: () => void) => void,
): void {
  // A JSON parser of the application around us may have read it already.
  const parsed = (req as { body?: unknown }).body
  if (parsed !== undefined && req.readableEnded) {
    done(typeof parsed === 'string' ? parsed : JSON.stringify(parsed), undefined, () => {})
    return
  }
  const most = Math.min(limit, constants.MAX_STRING_LENGTH)
  const length = Number(req.headers['content-length'] ?? Number.POSITIVE_INFINITY)
  const received = new ReceivedBytes()
  let held: HeldBody | undefined
  /** Bytes of it among the large ones that are served. */
  let served = 0
  const release = (): void => {
    received.free()
    held?.release()
    if (served > 0) largeBodies.done(served)
    served = 0
  }
  const refuse = (error: RequestError): void => {
    release()
    req.removeAllListeners('data').removeAllListeners('end')
    req.resume()
    const answer = (): void => done('', error, release)
    // Closing while more is coming resets the connection, and the answer may be lost with it.
    if (isLast(req) && error instanceof BodyTooLargeError) req.on('end', answer)
    else answer()
  }
  if (length < Number.POSITIVE_INFINITY && length > most) {
    refuse(new BodyTooLargeError(most))
    return
  }
  const hold = (): HeldBody => {
    const giveUp = (): void => refuse(new BodyTooSlowError())
    const body = bodies.open({ pause: () => req.pause(), resume: () => req.resume(), giveUp })
    res.once('close', release)
    return body
  }
  req.on('data', (chunk: Buffer) => {
    const { length: bytes } = chunk
    if (received.size + bytes > most) {
      refuse(new BodyTooLargeError(most))
      return
    }
    received.add(chunk)
    // Most bodies come in one piece, and are served at once.
    if (held || received.size < length) (held ??= hold()).add(bytes)
  })
  const finish = (): void => done(received.take(), undefined, release)
  req.on('end', () => {
    const { size } = received
    held?.complete()
    const unlessGone = (): void => (req.socket?.destroyed ? release() : finish())
    if (size >= large) {
      if (!held) res.once('close', release)
      largeBodies.add(size, () => {
        served = size
        unlessGone()
      })
    } else if (small.hasTime) finish()
    else crowd.add(unlessGone)
  })
}

/** Whether the connection ends with the answer to this request. */
function isLast({ httpVersionMinor, headers: { connection = '' } }: IncomingMessage): boolean {
  return httpVersionMinor === 0 ? !/\bkeep-alive\b/i.test(connection) : /\bclose\b/i.test(connection)
}
