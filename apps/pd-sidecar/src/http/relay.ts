import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Pieces } from '@vllm-sim/json-edit'
import type { BodySink } from './body.ts'
import type { Answer } from './exchange.ts'
import { answerHeaders } from './forward.ts'

/** Changes a body while it passes. */
export interface BodyChange {
  push(piece: Buffer): Pieces
  end(): Pieces
}

/** How an answer is passed on. */
export interface RelayOptions {
  /** A body that is changed has another length. */
  readonly change?: BodyChange | undefined
}

const lengths = new Set(['content-length'])

/**
 * Passes an answer to a client. What needs no change goes from socket to socket once the head has left: its framing is checked,
 * nothing else. A body that breaks off breaks off for the client, too.
 * @returns when all has left, or rejects with the reason why it did not
 */
export function relay(answer: Answer, res: ServerResponse, { change }: RelayOptions = {}): Promise<void> {
  return new Promise((resolve, reject) => {
    const { head, framing } = answer
    const headers = answerHeaders(head.headers, change === undefined ? undefined : lengths)
    // Without it Node would count the length of an empty body, of which there may be none: an answer to HEAD.
    const { socket } = res
    const raw = change === undefined && socket !== null && canPassRaw(answer, res)
    if (raw && framing.kind === 'chunked') headers.push('transfer-encoding', 'chunked')
    res.writeHead(head.status, head.reason, headers)
    const relaying = raw
      ? new RawRelay(answer, res, socket, resolve, reject)
      : new ContentRelay(answer, res, change, resolve, reject)
    answer.read(relaying, raw)
  })
}

/** Frames pass as they are to who understands them. */
function canPassRaw({ framing }: Answer, { req }: ServerResponse): boolean {
  return (
    framing.kind === 'length' ||
    (framing.kind === 'chunked' && req.httpVersionMinor === 1 && req.httpVersionMajor === 1)
  )
}

abstract class Relay implements BodySink {
  protected readonly answer: Answer
  protected readonly res: ServerResponse
  readonly #resolve: () => void
  readonly #reject: (error: Error) => void
  readonly #closed = (): void => this.#left()

  constructor(answer: Answer, res: ServerResponse, resolve: () => void, reject: (error: Error) => void) {
    this.answer = answer
    this.res = res
    this.#resolve = resolve
    this.#reject = reject
    res.once('close', this.#closed)
  }

  abstract data(piece: Buffer): boolean
  abstract readonly holds: boolean
  protected abstract detach(): void

  end(trailers: readonly string[]): void {
    this.#over()
    const { res } = this
    if (trailers.length > 0) res.addTrailers(pairs(trailers))
    res.end()
    this.#resolve()
  }

  failed(error: Error): void {
    this.#over()
    // What arrived leaves; then the connection ends without the end of the body.
    const { socket } = this.res
    if (socket) socket.destroySoon()
    else this.res.destroy()
    this.#reject(error)
  }

  #left(): void {
    this.#over()
    this.answer.drop()
    this.#reject(new ClientLeft())
  }

  #over(): void {
    this.res.off('close', this.#closed)
    this.detach()
  }
}

/** The client closed its connection before it had the whole answer. */
export class ClientLeft extends Error {
  constructor() {
    super('the client left')
  }
}

class RawRelay extends Relay {
  readonly #socket: Socket
  readonly #drained = (): void => this.answer.resume()

  constructor(
    answer: Answer,
    res: ServerResponse,
    socket: Socket,
    resolve: () => void,
    reject: (error: Error) => void,
  ) {
    super(answer, res, resolve, reject)
    this.#socket = socket
    // The head waits for the body otherwise, and would leave behind what is written to the socket.
    res.flushHeaders()
    socket.on('drain', this.#drained)
  }

  data(piece: Buffer): boolean {
    // Behind what waits already a piece would keep all the memory that it was read into.
    return this.#socket.write(this.#socket.writableLength > 0 ? Buffer.from(piece) : piece)
  }

  get holds(): boolean {
    return this.#socket.writableLength > 0
  }

  protected detach(): void {
    this.#socket.off('drain', this.#drained)
  }
}

class ContentRelay extends Relay {
  readonly holds = false
  readonly #change: BodyChange | undefined
  readonly #drained = (): void => this.answer.resume()

  constructor(
    answer: Answer,
    res: ServerResponse,
    change: BodyChange | undefined,
    resolve: () => void,
    reject: (error: Error) => void,
  ) {
    super(answer, res, resolve, reject)
    this.#change = change
    res.on('drain', this.#drained)
  }

  data(piece: Buffer): boolean {
    return this.#write(this.#change === undefined ? [piece] : this.#change.push(piece))
  }

  override end(trailers: readonly string[]): void {
    if (this.#change !== undefined) this.#write(this.#change.end())
    super.end(trailers)
  }

  protected detach(): void {
    this.res.off('drain', this.#drained)
  }

  #write(pieces: Pieces): boolean {
    const { res } = this
    if (pieces.length > 1) res.cork()
    let more = true
    for (const piece of pieces) if (piece.length > 0) more = res.write(piece)
    if (pieces.length > 1) res.uncork()
    return more
  }
}

function pairs(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, at) => [flat[2 * at]!, flat[2 * at + 1]!])
}
