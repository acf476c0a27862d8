import { createServer, type Server, type Socket } from 'node:net'
import type { Timeline } from '@vllm-sim/latency'
import { FrameReader, frame } from './frame.ts'
import { decodeTake, encodeAnswer, type TakeAnswer, type TakeRequest } from './messages.ts'

/** Open connections; more are closed at once. */
const maxConnections = 1024
/** Connections that the kernel keeps until the server accepts them. */
const backlog = 1024
/** A peer that has not asked and taken its answer after this long is dropped, real milliseconds. */
const patience = 5000

/** The side channel of a prefilling instance: one question and one answer per connection, on a port of its own. */
export class SideChannelServer {
  readonly #server: Server
  readonly #sockets = new Set<Socket>()
  readonly #timeline: Timeline
  readonly #take: (request: TakeRequest) => TakeAnswer

  /**
   * @param timeline of the machine's clock
   * @param take answers a question; must not throw
   */
  constructor(timeline: Timeline, take: (request: TakeRequest) => TakeAnswer) {
    this.#timeline = timeline
    this.#take = take
    this.#server = createServer({ noDelay: true }, socket => this.#serve(socket))
    this.#server.maxConnections = maxConnections
  }

  /** @returns the port, also when it was 0 @throws Error of `node:net` */
  open(host: string, port: number): Promise<number> {
    return new Promise((resolve, reject) => {
      this.#server.once('error', reject)
      this.#server.listen({ host, port, backlog }, () => {
        this.#server.off('error', reject)
        // What happens to it later happens to a connection that it could not accept.
        this.#server.on('error', () => {})
        const address = this.#server.address()
        resolve(typeof address === 'object' && address !== null ? address.port : port)
      })
    })
  }

  close(): Promise<void> {
    for (const socket of this.#sockets) socket.destroy()
    return new Promise(resolve => this.#server.close(() => resolve()))
  }

  #serve(socket: Socket): void {
    this.#sockets.add(socket)
    const reader = new FrameReader()
    const forget = this.#timeline.at(this.#timeline.clock.now() + patience, () => socket.destroy())
    socket.on('error', () => socket.destroy())
    socket.once('close', () => {
      forget()
      this.#sockets.delete(socket)
    })
    socket.on('data', (chunk: Buffer) => {
      try {
        const message = reader.push(chunk)
        // Nothing is read behind the question: a second one would be answered to nobody.
        if (message) socket.pause().end(frame(encodeAnswer(this.#take(decodeTake(message)))))
      } catch {
        // Whoever speaks another protocol is told nothing.
        socket.destroy()
      }
    })
  }
}
