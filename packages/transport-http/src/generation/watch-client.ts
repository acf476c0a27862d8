import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { ApiContext } from '../context.ts'

/** How long a client that closed its sending side gets to see the first byte of its answer, milliseconds. */
const halfClosedGrace = 1000

/** Per connection: who wants to know when the client closes its side. */
const waiting = new WeakMap<Socket, Set<() => void>>()

/**
 * Calls `gone` once when the client of an unfinished answer has left. A reset or a failed write counts at once. A closed
 * sending side alone is not leaving: only when nothing was sent within a second after it the client is given up.
 */
export function watchClient(context: ApiContext, res: ServerResponse, gone: () => void): void {
  const { socket } = res.req
  let listeners = waiting.get(socket)
  if (!listeners) {
    const added = new Set<() => void>()
    listeners = added
    waiting.set(socket, added)
    socket.once('end', () => {
      for (const listener of added) listener()
    })
  }
  const halfClosed = (): void => {
    context.timeline.at(context.clock.now() + halfClosedGrace, () => {
      if (!res.headersSent && !res.writableEnded) res.destroy()
    })
  }
  listeners.add(halfClosed)
  if (socket.readableEnded) halfClosed()
  res.once('close', () => {
    waiting.get(socket)?.delete(halfClosed)
    if (!res.writableFinished) gone()
  })
}
