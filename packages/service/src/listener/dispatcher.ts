import type { Server } from 'node:http'
import type { Socket } from 'node:net'
import { RealClock } from '@vllm-sim/latency'

/** One of several protocols on the same port, told apart by the first bytes that a client sends. */
export interface Protocol {
  /** Whether a connection that begins with `head` is of this protocol; undefined: more bytes are needed to tell. */
  recognizes(head: Buffer): boolean | undefined
  /**
   * Takes the connection over. What was read is in its buffer again, and it is paused: who reads with `data` events
   * resumes it.
   */
  serve(socket: Socket): void
}

const clock = new RealClock()

/** A client that has not said enough to tell its protocol after this long is dropped, milliseconds. */
const silence = 60_000

/**
 * Puts protocols in front of an HTTP server that listens itself, so that there is one set of limits and one `close`.
 * Connections of none of them go on to the server's own HTTP/1.1.
 * @returns drops the connections that have not told their protocol yet
 */
export function dispatch(
  server: Server,
  protocols: readonly Protocol[],
): { http1(socket: Socket): void; drop(): void } {
  const [serveHttp1] = server.listeners('connection') as ((this: Server, socket: Socket) => void)[]
  server.removeAllListeners('connection')
  const undecided = new Set<Socket>()
  /** What was read of connections that have not said enough yet; nearly all do with their first bytes. */
  const heads = new Map<Socket, Buffer>()
  // The same functions for all connections: a thousand may come at once, and closures are most of what one would cost.
  function leave(this: Socket): void {
    undecided.delete(this)
    heads.delete(this)
    // Thousands may leave at the same moment.
    clock.whenFree(() => this.destroy())
  }
  function read(this: Socket, chunk: Buffer): void {
    const before = heads.get(this)
    const head = before ? Buffer.concat([before, chunk]) : chunk
    const protocol = protocolOf(protocols, head)
    if (protocol === undefined) {
      heads.set(this, head)
      return
    }
    undecided.delete(this)
    if (before) heads.delete(this)
    this.off('data', read).off('timeout', leave).off('end', leave).off('error', leave)
    if (protocol !== 'http1' || server.timeout === 0) this.setTimeout(0)
    if (protocol === 'http1') {
      serveHttp1!.call(server, this)
      // To the listener that HTTP has just added; giving the bytes back to the socket would take two turns more.
      this.emit('data', head)
    } else {
      this.pause()
      this.unshift(head)
      protocol.serve(this)
    }
  }
  server.on('connection', (socket: Socket) => {
    undecided.add(socket)
    socket.on('data', read).on('timeout', leave).on('end', leave).on('error', leave)
    socket.setTimeout(silence)
  })
  return {
    http1: socket => {
      serveHttp1!.call(server, socket)
      socket.resume()
    },
    drop: () => {
      for (const socket of undecided) socket.destroy()
    },
  }
}

/** Which protocol a connection speaks that begins with `head`; undefined: it has not said enough to tell. */
function protocolOf(protocols: readonly Protocol[], head: Buffer): Protocol | 'http1' | undefined {
  let unsure = false
  for (const protocol of protocols) {
    const known = protocol.recognizes(head)
    if (known) return protocol
    unsure ||= known === undefined
  }
  return unsure ? undefined : 'http1'
}
