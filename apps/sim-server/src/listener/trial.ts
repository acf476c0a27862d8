import { type HeldPort, hold, ListenError, removeStaleSocket } from '@vllm-sim/service'
import { type Config, configOfRank } from '../config/index.ts'
import { listenTarget } from './target.ts'

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
      const held = await hold(target)
      await held.release()
    } catch (error) {
      if (ranksInProcess === 1 || !(error instanceof ListenError)) throw error
      throw new ListenError(`rank ${rank}: ${error.message}`)
    }
  }
}

/** Takes a free port, for `--port 0`: it is part of identifiers and topics before the server opens. @throws ListenError */
export function holdFreePort(config: Config): Promise<HeldPort> {
  return hold(listenTarget(config))
}
