import { connect, type Socket } from 'node:net'
import { ResponseReader } from './response-reader.ts'

/** What came of one request. */
export interface Answer {
  /** 0 when the connection failed before a status came. */
  readonly status: number
  /** Why it is not complete. */
  readonly problem?: string
}

/** Where the body of an answer goes. @param now when it arrived, milliseconds */
export type BodyTaker = (buffer: Buffer, from: number, to: number, now: number) => void

const ignore: BodyTaker = () => {}

/**
 * All connections read into one buffer: what arrives is looked at before anything else is read. It is what makes a client
 * in JavaScript cheap enough to stand beside the server it measures.
 */
const input = Buffer.allocUnsafeSlow(1 << 16)

/** A keep-alive connection that sends one request at a time. It dials when it has to. */
export class Connection {
  readonly #host: string
  readonly #port: number
  #socket: Socket | undefined
  #body: BodyTaker = ignore
  #done: ((answer: Answer) => void) | undefined
  #status = 0
  #now = 0

  constructor(url: URL) {
    this.#host = url.hostname.replace(/^\[|\]$/g, '')
    this.#port = Number(url.port || 80)
  }

  /** Sends a whole request. `done` is called once, when the answer is complete or has failed. */
  send(request: Buffer, body: BodyTaker | undefined, done: (answer: Answer) => void): void {
    this.#body = body ?? ignore
    this.#done = done
    this.#status = 0
    this.#open().write(request)
  }

  /** The same as a promise. */
  ask(request: Buffer, body?: BodyTaker): Promise<Answer> {
    return new Promise(resolve => this.send(request, body, resolve))
  }

  /** Dials, without sending anything. @returns what went wrong */
  dial(): Promise<Error | undefined> {
    return new Promise(resolve => {
      const socket = this.#open()
      socket.once('connect', () => resolve(undefined))
      socket.once('error', resolve)
    })
  }

  /** Drops the connection, whatever it is doing. */
  close(): void {
    const socket = this.#socket
    this.#socket = undefined
    this.#done = undefined
    socket?.destroy()
  }

  #open(): Socket {
    if (this.#socket) return this.#socket
    const reader = new ResponseReader({
      onHead: status => {
        this.#status = status
      },
      onBody: (buffer, from, to) => this.#body(buffer, from, to, this.#now),
      onEnd: reusable => {
        if (!reusable) this.#drop(socket)
        this.#finish({ status: this.#status })
      },
      onMalformed: problem => {
        this.#drop(socket)
        this.#finish({ status: this.#status, problem })
      },
    })
    const socket = connect({
      host: this.#host,
      port: this.#port,
      noDelay: true,
      onread: {
        buffer: input,
        callback: (length, buffer) => {
          this.#now = performance.now()
          reader.feed(buffer as Buffer, length)
          return true
        },
      },
    })
    const lost = (problem: string) => {
      if (this.#socket !== socket) return
      this.#socket = undefined
      this.#now = performance.now()
      if (!reader.close()) this.#finish({ status: this.#status, problem })
    }
    socket.on('error', error => lost(error.message))
    socket.on('end', () => lost('the server closed the connection'))
    socket.on('close', () => lost('the connection was closed'))
    this.#socket = socket
    return socket
  }

  #drop(socket: Socket): void {
    if (this.#socket === socket) this.#socket = undefined
    socket.destroy()
  }

  #finish(answer: Answer): void {
    const done = this.#done
    this.#done = undefined
    done?.(answer)
  }
}
