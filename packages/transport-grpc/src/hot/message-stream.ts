import { constants, type ServerHttp2Stream } from 'node:http2'
import { Code, type ConnectError } from '@connectrpc/connect'
import { percentEncoded } from '../status.ts'

/** Where the messages of one answer go. */
export interface MessageStream {
  /**
   * Sends whole frames.
   * @returns false when the reader is so far behind that nothing more should be made until `onDrain`
   */
  write(frames: Uint8Array): boolean
  /** Calls `run` once, as soon as the reader has caught up. */
  onDrain(run: () => void): void
  /** Ends the answer; an error becomes its status. */
  end(error?: ConnectError): void
  /** Calls `run`, in place of an earlier one, when the client has left before the end; at once when it already has. */
  onLeave(run: () => void): void
  /** Ends the connection's part at once: the client reads nothing. */
  cancel(): void
}

const contentType = 'application/grpc+proto'

/** A gRPC answer on a stream of `node:http2`. */
export class Http2MessageStream implements MessageStream {
  readonly #stream: ServerHttp2Stream
  #status: Record<string, string> | undefined
  #left: (() => void) | undefined

  constructor(stream: ServerHttp2Stream) {
    this.#stream = stream
    stream.on('wantTrailers', () => stream.sendTrailers(this.#status ?? { 'grpc-status': String(Code.Unknown) }))
  }

  write(frames: Uint8Array): boolean {
    const stream = this.#stream
    if (stream.destroyed || stream.writableEnded) return true
    if (!stream.headersSent) stream.respond({ ':status': 200, 'content-type': contentType }, { waitForTrailers: true })
    return stream.write(frames)
  }

  onDrain(run: () => void): void {
    this.#stream.once('drain', run)
  }

  end(error?: ConnectError): void {
    const stream = this.#stream
    if (stream.destroyed || stream.writableEnded) return
    this.#status = statusOf(error)
    if (stream.headersSent) stream.end()
    else stream.respond({ ':status': 200, 'content-type': contentType, ...this.#status }, { endStream: true })
  }

  onLeave(run: () => void): void {
    this.#left = run
    // `close` follows an orderly end too; whoever is told then has nothing left to do.
    if (this.#stream.destroyed) run()
    else this.#stream.once('close', run)
  }

  cancel(): void {
    this.#stream.close(constants.NGHTTP2_CANCEL)
  }

  /** Ends the answer from outside: whoever makes it is told, and the client gets the error. */
  fail(error: ConnectError): void {
    this.#left?.()
    this.end(error)
  }
}

function statusOf(error: ConnectError | undefined): Record<string, string> {
  if (!error) return { 'grpc-status': '0' }
  const status: Record<string, string> = { 'grpc-status': String(error.code) }
  if (error.rawMessage !== '') status['grpc-message'] = percentEncoded(error.rawMessage)
  for (const [name, value] of error.metadata) status[name] = value
  return status
}
