import type { ConnectionOptions } from 'node:tls'
import type { Clock, Random } from '@vllm-sim/latency'
import type { Target } from '@vllm-sim/pd-protocol'
import type { Logger } from '@vllm-sim/service'
import type { Config, Stage } from '../config/config.ts'
import type { PeerNames } from '../connectors/peer-names.ts'
import type { Upstream } from '../http/connections.ts'
import type { Legs } from '../http/exchange.ts'
import type { Metrics } from '../telemetry/metrics.ts'
import type { Tracing } from '../telemetry/tracing.ts'
import type { AllowList } from '../trust/allow-list.ts'

/** What all listeners of the process share. */
export interface Sidecar {
  readonly config: Config
  readonly legs: Legs
  readonly clock: Clock
  readonly random: Random
  /** Random bytes for ids. */
  readonly entropy: (size: number) => Uint8Array
  readonly log: Logger
  readonly metrics: Metrics
  /** Undefined: no spans. */
  readonly tracing: Tracing | undefined
  readonly allowList: AllowList
  /** Addresses for engines that take no names. */
  readonly peers: PeerNames
  /** How a stage is called, when that is over TLS. */
  readonly tls: Readonly<Partial<Record<Stage, ConnectionOptions>>>
  /** The process is about to end. */
  draining: boolean
}

/** A listener and its decoder. */
export interface Rank {
  readonly index: number
  /** Where it listens. */
  readonly port: number
  readonly decoder: Upstream
}

/** A target as a server of a stage. */
export function upstreamOf(sidecar: Sidecar, stage: Stage, target: Target): Upstream {
  return { ...target, tls: sidecar.tls[stage] }
}
