import { createServer, type Server } from 'node:net'
import { type Config, configOfRank } from '../config/index.ts'
import { ListenError, listen } from './listen.ts'
import { type ListenTarget, listenTarget } from './target.ts'
import { removeStaleSocket } from './unix-socket.ts'

/**
 * Listens on every port or socket of a process and lets go of them again, so that one that is taken is known before
 * anything that takes time. Port 0 is no one's.
 * @throws ListenError
 */
export async function tryPorts(config: Config): Promise<void> {
  const { ranksInProcess } = config
  for (let rank = 0; rank < ranksInProcess; rank++) {
    const target = listenTarget(configOfRank(config, rank))
    if ('port' in target && target.port === 0) continue
    try {
      if ('path' in target) await removeStaleSocket(target.path)
      const { server } = await hold(target)
      await new Promise(closed => server.close(closed))
    } catch (error) {
      if (ranksInProcess === 1 || !(error instanceof ListenError)) throw error
      throw new ListenError(`rank ${rank}: ${error.message}`)
    }
  }
}

/** A port that is kept from others. */
export interface HeldPort {
  readonly port: number
  /** Gives it up, for the server that listens on it next. */
  release(): void
}

/** Takes a free port, for `--port 0`: it is part of identifiers and topics before the server opens. @throws ListenError */
export async function holdFreePort(config: Config): Promise<HeldPort> {
  const { server, target } = await hold(listenTarget(config))
  return { port: 'port' in target ? target.port : 0, release: () => void server.close() }
}

async function hold(target: ListenTarget): Promise<{ server: Server; target: ListenTarget }> {
  const server = createServer(socket => socket.destroy())
  return { server, target: await listen(server, target) }
}
