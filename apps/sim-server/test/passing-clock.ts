import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import type { Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { VirtualClock } from '@vllm-sim/latency'

/** Turns of the event loop in a row without a byte under way, after which whoever wanted to answer has done so. */
const quietTurns = 4

/**
 * A clock for a server and its clients in one process. It stands until a test lets time pass, and then moves only when
 * all that was written to a socket has been read at its other end: what clients see does not depend on the machine. The
 * bytes of HTTP/2 are not seen; with it, `advance`.
 */
export class PassingClock extends VirtualClock {
  readonly #sockets = new Set<Socket>()
  readonly #add = (message: unknown): void => {
    this.#sockets.add((message as { socket: Socket }).socket)
  }

  constructor() {
    super()
    subscribe('net.client.socket', this.#add)
    subscribe('net.server.socket', this.#add)
  }

  /** Counts the bytes of sockets no longer. */
  close(): void {
    unsubscribe('net.client.socket', this.#add)
    unsubscribe('net.server.socket', this.#add)
  }

  override soon(run: () => void): void {
    super.soon(run)
    setImmediate(() => this.advance(0))
  }

  /** Waits until nothing is under way. */
  async settled(): Promise<void> {
    for (let quiet = 0, before = -1; quiet < quietTurns; ) {
      await nextTurn()
      const moved = this.#bytes(({ bytesRead }) => bytesRead)
      const still = moved === before && moved === this.#bytes(({ bytesWritten }) => bytesWritten)
      quiet = still ? quiet + 1 : 0
      before = moved
    }
  }

  /** Lets time pass until this has come. */
  async until<T>(coming: Promise<T>): Promise<T> {
    let come = false
    const over = (): void => {
      come = true
    }
    coming.then(over, over)
    for (await this.settled(); !come; await this.settled()) this.step()
    return coming
  }

  #bytes(count: (socket: Socket) => number): number {
    let sum = 0
    for (const socket of this.#sockets) {
      if (socket.destroyed) this.#sockets.delete(socket)
      else sum += socket.connecting ? Number.NaN : count(socket)
    }
    return sum
  }
}
