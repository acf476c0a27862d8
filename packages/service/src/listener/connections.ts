import type { Server as HttpServer } from 'node:http'
import { Server as NetServer, type Socket } from 'node:net'
import type { Clock } from '@vllm-sim/latency'

/** How often is looked whether answers have left, milliseconds. */
const sweepEvery = 10

/** Connections that are ended in one turn of the event loop. */
const perTurn = 64

/** Knows the open connections of a server, to end them in an orderly way. */
export class Connections {
  readonly #server: HttpServer
  readonly #sockets = new Set<Socket>()

  constructor(server: HttpServer) {
    this.#server = server
    server.on('connection', socket => this.add(socket))
  }

  /** Adds a connection inside of another one (TLS). */
  add(socket: Socket): void {
    this.#sockets.add(socket)
    socket.once('close', () => this.#sockets.delete(socket))
  }

  /**
   * Stops listening, ends each connection when its answer has left, and after `limit` milliseconds those that are still
   * open.
   */
  async close(clock: Clock, limit: number): Promise<void> {
    const closed = Promise.withResolvers<void>()
    // Not http.Server's own method: it destroys connections whose last bytes have not been sent yet.
    NetServer.prototype.close.call(this.#server, () => closed.resolve())
    // Node counts a connection that has never said anything as busy.
    void this.#destroyInTurns(clock, socket => socket.bytesRead === 0)
    const end = clock.now() + limit
    const sweep = (): void => {
      if (clock.now() >= end) {
        void this.#destroyInTurns(clock, () => true)
        return
      }
      if (!this.#sending()) this.#server.closeIdleConnections()
      timer = clock.timer(sweepEvery, sweep)
    }
    let timer = clock.timer(0, sweep)
    await closed.promise
    timer.cancel()
    // Ends the server's check of time limits. There is nothing left that it could close.
    this.#server.close()
  }

  /** Those that are open. */
  get sockets(): ReadonlySet<Socket> {
    return this.#sockets
  }

  /** Some at a time: thousands would keep everybody waiting for a second. */
  async #destroyInTurns(clock: Clock, which: (socket: Socket) => boolean): Promise<void> {
    const all = [...this.#sockets].filter(which)
    for (let from = 0; from < all.length; from += perTurn) {
      for (const socket of all.slice(from, from + perTurn)) socket.destroy()
      await new Promise<void>(resolve => clock.soon(resolve))
    }
  }

  #sending(): boolean {
    for (const socket of this.#sockets) if (socket.writableLength > 0) return true
    return false
  }
}
