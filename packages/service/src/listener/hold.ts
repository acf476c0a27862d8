import { createServer } from 'node:net'
import { type ListenTarget, listen } from './listen.ts'

/** A port or socket that is kept from others. */
export interface HeldPort {
  /** With the port that it came to be. */
  readonly target: ListenTarget
  /** Gives it up, for the server that listens on it next. Resolves when that is done. */
  release(): Promise<void>
}

/** Listens and drops every connection. Tells whether a port is free, or keeps a free one. @throws ListenError */
export async function hold(target: ListenTarget): Promise<HeldPort> {
  const server = createServer(socket => socket.destroy())
  const held = await listen(server, target)
  return { target: held, release: () => new Promise(resolve => server.close(() => resolve())) }
}
