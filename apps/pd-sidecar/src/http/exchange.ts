import type { IncomingMessage } from 'node:http'
import { type Pieces, sizeOf } from '@vllm-sim/json-edit'
import { BodyReader, type BodySink } from './body.ts'
import type { Connection, ConnectionPool, ConnectionUser, Upstream } from './connections.ts'
import {
  type Framing,
  framingOf,
  keepsAlive,
  largestHead,
  ProtocolError,
  parseHead,
  type ResponseHead,
} from './head.ts'

/** A request that goes to a server. */
export interface LegRequest {
  readonly upstream: Upstream
  readonly method: string
  /** Path and query. */
  readonly target: string
  /** Lines of the head, each with its end, without those that frame the body. */
  readonly headers: string
  /** The whole body, or the request of a client whose body is passed while it arrives. */
  readonly body: Pieces | IncomingMessage
  /** Ends the leg. */
  readonly signal: AbortSignal | undefined
  /** Called before a connection is used that is new. */
  readonly onBodyWanted?: () => void
}

/** The server cannot be reached, or what it says is no answer. */
export class LegError extends Error {
  override readonly name = 'LegError'
  /** The reason as the system calls it, such as `ECONNREFUSED`. */
  readonly code: string

  constructor(reason: unknown) {
    super(messageOf(reason), { cause: reason })
    this.code = (reason as { code?: string }).code ?? ''
  }
}

/** The server closed a connection that had been used before, without a word about this request. */
class StaleConnection extends Error {}

/** Interim answers (1xx) before the answer itself. */
const mostInterim = 16
/** Of a body that is passed on, bytes that are kept for a second connection. */
const mostKept = 64 * 1024

/** Sends requests to servers. */
export class Legs {
  readonly #pool: ConnectionPool

  constructor(pool: ConnectionPool) {
    this.#pool = pool
  }

  /**
   * Sends a request; resolves with the head of its answer. When a connection that was used before turns out to be closed, the request
   * is sent once more, on a new one: the server had ended it before it read anything.
   * @throws LegError
   */
  async send(request: LegRequest): Promise<Answer> {
    const idle = this.#pool.take(request.upstream)
    const outgoing = new OutgoingBody(request)
    try {
      if (idle !== undefined) {
        try {
          return await new Exchange(this.#pool, request, idle, outgoing).answered
        } catch (error) {
          if (!(error instanceof StaleConnection)) throw error
        }
      }
      const connection = await this.#pool.open(request.upstream, request.signal)
      return await new Exchange(this.#pool, request, connection, outgoing).answered
    } catch (error) {
      outgoing.detach()
      throw error instanceof LegError ? error : new LegError(error)
    }
  }
}

/** What the connection of an answer can be told by its reader. */
export interface Answer {
  readonly head: ResponseHead
  readonly framing: Framing
  /** Hands the body on. To be called once, or `drop`. @param raw see `BodyReader` */
  read(sink: BodySink, raw: boolean): void
  /** More may come, after `data` returned false. */
  resume(): void
  /** Nobody wants the rest: the connection is closed. */
  drop(): void
}

class Exchange implements ConnectionUser, Answer {
  readonly answered: Promise<Answer>
  readonly #pool: ConnectionPool
  readonly #request: LegRequest
  readonly #connection: Connection
  readonly #outgoing: OutgoingBody
  readonly #resolve: (answer: Answer) => void
  readonly #reject: (error: Error) => void
  readonly #aborted = (): void => this.#fail(new Error('the client left'))
  /** What came of the head so far, then what came of the body before its reader. */
  #early: Buffer | undefined
  #interim = 0
  #head: ResponseHead | undefined
  #framing: Framing = { kind: 'none' }
  #reader: BodyReader | undefined
  #sink: BodySink | undefined
  #raw = false
  #over = false
  #ended = false

  constructor(pool: ConnectionPool, request: LegRequest, connection: Connection, outgoing: OutgoingBody) {
    this.#pool = pool
    this.#request = request
    this.#connection = connection
    this.#outgoing = outgoing
    const { promise, resolve, reject } = Promise.withResolvers<Answer>()
    this.answered = promise
    this.#resolve = resolve
    this.#reject = reject
    connection.user = this
    if (request.signal?.aborted) this.#aborted()
    else {
      request.signal?.addEventListener('abort', this.#aborted)
      outgoing.writeTo(connection)
    }
  }

  get head(): ResponseHead {
    return this.#head!
  }

  get framing(): Framing {
    return this.#framing
  }

  read(sink: BodySink, raw: boolean): void {
    if (this.#over) {
      sink.failed(new Error('the leg was ended'))
      return
    }
    this.#sink = sink
    this.#raw = raw
    this.#reader = new BodyReader(this.#framing, raw, {
      data: piece => sink.data(piece),
      holds: false,
      end: trailers => {
        this.#complete()
        sink.end(trailers)
      },
      failed: error => sink.failed(error),
    })
    if (this.#over) return
    const early = this.#early
    this.#early = undefined
    if (early !== undefined && early.length > 0) this.#body(early)
    if (this.#over) return
    if (this.#ended) this.closed()
    else this.#connection.socket.resume()
  }

  resume(): void {
    if (!this.#over) this.#connection.socket.resume()
  }

  drop(): void {
    this.#finish()
    this.#connection.user = undefined
    this.#connection.socket.destroy()
  }

  data(bytes: Buffer): void {
    if (this.#reader !== undefined) this.#body(this.#raw ? bytes : Buffer.from(bytes))
    else if (this.#head === undefined) this.#readHead(Buffer.from(bytes))
    else this.#early = this.#early === undefined ? Buffer.from(bytes) : Buffer.concat([this.#early, bytes])
  }

  get holds(): boolean {
    return this.#raw && this.#sink!.holds
  }

  drained(): void {
    this.#outgoing.drained()
  }

  closed(error?: Error): void {
    if (this.#over) return
    if (this.#head === undefined) {
      const stale = this.#connection.used && this.#early === undefined && this.#outgoing.canBeSentAgain
      if (stale) this.#outgoing.hold()
      this.#fail(stale ? new StaleConnection() : (error ?? new Error('EOF')))
    } else if (this.#reader === undefined) this.#ended = true
    else if (!this.#reader.finish()) this.#fail(error ?? new Error('unexpected EOF'))
  }

  #readHead(bytes: Buffer): void {
    let all = this.#early === undefined ? bytes : Buffer.concat([this.#early, bytes])
    try {
      for (;;) {
        const end = all.indexOf('\r\n\r\n')
        if (end < 0) {
          if (all.length > largestHead) throw new ProtocolError('malformed HTTP response: its head is too long')
          // What can be no head is not waited for.
          if (all.length >= 5 && !all.subarray(0, 5).equals(http))
            throw new ProtocolError('malformed HTTP response: no status line')
          this.#early = all
          return
        }
        const head = parseHead(all.subarray(0, end + 4))
        all = all.subarray(end + 4)
        if (head.status >= 200) {
          this.#head = head
          break
        }
        if (head.status === 101) throw new ProtocolError('the server changed the protocol unasked')
        if (++this.#interim > mostInterim) throw new ProtocolError('too many interim responses')
      }
      this.#framing = framingOf(this.#head, this.#request.method)
    } catch (error) {
      this.#head = undefined
      this.#fail(error as Error)
      return
    }
    this.#early = all
    this.#connection.socket.pause()
    this.#resolve(this)
  }

  #body(bytes: Buffer): void {
    try {
      if (!this.#reader!.push(bytes)) this.#connection.socket.pause()
    } catch (error) {
      this.#fail(error as Error)
    }
  }

  /** The answer is complete. */
  #complete(): void {
    this.#finish()
    // Bytes behind an answer without a body are nobody's.
    const clean = this.#early === undefined || this.#early.length === 0
    if (clean && this.#outgoing.sent && this.#framing.kind !== 'close' && keepsAlive(this.#head!)) {
      this.#connection.socket.resume()
      this.#pool.release(this.#request.upstream, this.#connection)
    } else {
      this.#connection.user = undefined
      this.#connection.socket.destroy()
    }
  }

  #fail(error: Error): void {
    if (this.#over) return
    this.#finish()
    this.#connection.user = undefined
    this.#connection.socket.destroy()
    if (this.#head === undefined) this.#reject(error)
    else this.#sink?.failed(error)
  }

  #finish(): void {
    this.#over = true
    this.#request.signal?.removeEventListener('abort', this.#aborted)
    if (!this.#outgoing.sent && this.#head !== undefined) this.#outgoing.detach()
  }
}

const http = Buffer.from('HTTP/')

/** The body of a request, on its way from the client or as a whole. */
class OutgoingBody {
  readonly #request: LegRequest
  #connection: Connection | undefined
  /** What was sent of a body that is passed on; undefined when it became too much. */
  #kept: Buffer[] | undefined = []
  #keptSize = 0
  #chunked = false
  #attached = false
  sent = false

  constructor(request: LegRequest) {
    this.#request = request
  }

  /** Nothing of the body was lost to the first connection. */
  get canBeSentAgain(): boolean {
    return this.#kept !== undefined
  }

  writeTo(connection: Connection): void {
    this.#connection = connection
    const { method, target, headers, body } = this.#request
    const { socket } = connection
    socket.cork()
    if (Array.isArray(body)) {
      const pieces = body as Pieces
      const length = pieces.length > 0 || method === 'POST' ? `content-length: ${sizeOf(pieces)}\r\n` : ''
      socket.write(`${method} ${target} HTTP/1.1\r\n${headers}${length}\r\n`, 'latin1')
      for (const piece of pieces) socket.write(piece)
      this.sent = true
    } else this.#pass(body as IncomingMessage)
    socket.uncork()
  }

  /** Keeps what still comes from the client until there is another connection. */
  hold(): void {
    if (this.#attached) (this.#request.body as IncomingMessage).pause()
  }

  drained(): void {
    if (!this.sent && this.#attached) (this.#request.body as IncomingMessage).resume()
  }

  /** Takes no more of the client's body. */
  detach(): void {
    const { body } = this.#request
    if (!this.#attached) return
    this.#attached = false
    const from = body as IncomingMessage
    from.off('data', this.#data)
    from.off('end', this.#end)
    // Node reads the rest when the answer has left, so that the next request can be read.
    from.resume()
  }

  #pass(from: IncomingMessage): void {
    const { method, target, headers } = this.#request
    const { socket } = this.#connection!
    const length = from.headers['content-length']
    this.#chunked = length === undefined && from.headers['transfer-encoding'] !== undefined
    const framing = this.#chunked
      ? 'transfer-encoding: chunked\r\n'
      : length === undefined
        ? ''
        : `content-length: ${length}\r\n`
    socket.write(`${method} ${target} HTTP/1.1\r\n${headers}${framing}\r\n`, 'latin1')
    for (const piece of this.#kept ?? []) this.#write(piece)
    if (this.#attached) {
      from.resume()
      return
    }
    if (!this.#chunked && (length === undefined || length === '0')) {
      this.sent = true
      return
    }
    if (from.readableEnded) {
      this.#end()
      return
    }
    this.#attached = true
    this.#request.onBodyWanted?.()
    from.on('data', this.#data)
    from.on('end', this.#end)
  }

  readonly #data = (piece: Buffer): void => {
    if (this.#kept !== undefined) {
      this.#kept.push(piece)
      this.#keptSize += piece.length
      if (this.#keptSize > mostKept) this.#kept = undefined
    }
    if (!this.#write(piece)) (this.#request.body as IncomingMessage).pause()
  }

  readonly #end = (): void => {
    if (this.#chunked) this.#connection!.socket.write('0\r\n\r\n')
    this.sent = true
    this.#attached = false
  }

  #write(piece: Buffer): boolean {
    const { socket } = this.#connection!
    if (!this.#chunked) return socket.write(piece)
    socket.cork()
    socket.write(`${piece.length.toString(16)}\r\n`)
    socket.write(piece)
    const more = socket.write('\r\n')
    socket.uncork()
    return more
  }
}

function messageOf(reason: unknown): string {
  if (reason instanceof AggregateError && reason.errors.length > 0) return messageOf(reason.errors[0])
  return reason instanceof Error ? reason.message : String(reason)
}
