import type { Server } from 'node:http'
import type { Socket } from 'node:net'

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
  const http1 = (socket: Socket): void => {
    serveHttp1!.call(server, socket)
    socket.resume()
  }
  const undecided = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    undecided.add(socket)
    peek(socket, protocols, protocol => {
      undecided.delete(socket)
      if (protocol) protocol.serve(socket)
      else http1(socket)
    })
    socket.once('close', () => undecided.delete(socket))
  })
  return {
    http1,
    drop: () => {
      for (const socket of undecided) socket.destroy()
    },
  }
}

/** Reads until the protocol is known, gives the bytes back and calls `decided`; undefined stands for none of them. */
function peek(socket: Socket, protocols: readonly Protocol[], decided: (protocol: Protocol | undefined) => void): void {
  let head: Buffer = Buffer.alloc(0)
  const leave = (): void => {
    socket.destroy()
  }
  const finish = (protocol: Protocol | undefined): void => {
    socket.off('data', read).off('timeout', leave).off('end', leave).off('error', leave)
    socket.setTimeout(0)
    socket.pause()
    socket.unshift(head)
    decided(protocol)
  }
  const read = (chunk: Buffer): void => {
    head = head.length === 0 ? chunk : Buffer.concat([head, chunk])
    let unsure = false
    for (const protocol of protocols) {
      const known = protocol.recognizes(head)
      if (known) {
        finish(protocol)
        return
      }
      unsure ||= known === undefined
    }
    if (!unsure) finish(undefined)
  }
  socket.on('data', read).once('timeout', leave).once('end', leave).once('error', leave)
  socket.setTimeout(silence)
}
