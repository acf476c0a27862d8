import type { ListenTarget } from '@vllm-sim/service'
import type { Config } from '../config/index.ts'

/** The target of a configuration. A further rank of the same process has a port, or socket, of its own. */
export function listenTarget({ uds, host, port, parts: { hostedRank } }: Config): ListenTarget {
  if (uds !== '') return { path: hostedRank === 0 ? uds : `${uds}.${hostedRank}` }
  // The reference listens on IPv4 only.
  return { host: host || '0.0.0.0', port }
}
