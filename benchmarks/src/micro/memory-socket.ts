import { EventEmitter } from 'node:events'
import type { Server } from 'node:http'
import { Duplex } from 'node:stream'

/** Where written text is copied to, as the kernel would. */
const scratch = Buffer.alloc(1 << 20)

/**
 * A connection without a kernel: what the server writes is copied into memory and dropped. It makes the cost of our own
 * code visible, of which a write to a real socket is several times the size.
 */
export class MemorySocket extends Duplex {
  readonly #wrote = new EventEmitter()
  bytesWritten = 0

  /** Connects to a server that need not listen. */
  constructor(server: Server) {
    super({ decodeStrings: false, allowHalfOpen: true })
    server.emit('connection', this)
  }

  /** Sends a request and resolves at the first bytes of the answer. */
  ask(bytes: Buffer): Promise<void> {
    const answered = new Promise<void>(resolve => {
      this.#wrote.once('write', resolve)
    })
    this.push(bytes)
    return answered
  }

  override _read(): void {}

  override _write(chunk: string | Buffer, encoding: BufferEncoding, done: () => void): void {
    this.#take(chunk, encoding)
    done()
    this.#wrote.emit('write')
  }

  override _writev(chunks: { chunk: string | Buffer; encoding: BufferEncoding }[], done: () => void): void {
    for (const { chunk, encoding } of chunks) this.#take(chunk, encoding)
    done()
    this.#wrote.emit('write')
  }

  setTimeout(): this {
    return this
  }

  setNoDelay(): this {
    return this
  }

  setKeepAlive(): this {
    return this
  }

  ref(): this {
    return this
  }

  unref(): this {
    return this
  }

  #take(chunk: string | Buffer, encoding: BufferEncoding): void {
    this.bytesWritten += typeof chunk === 'string' ? scratch.write(chunk, encoding) : chunk.copy(scratch)
  }
}
