import { lookup } from 'node:dns/promises'
import { type Clock, freshBytes, freshSeed, type Random, RealClock, seededRandom } from '@vllm-sim/latency'
import { type Logger, type Serving, StartError } from '@vllm-sim/service'
import type { Config } from './config/config.ts'
import type { ConnectorFactory } from './connectors/connector.ts'
import { PeerNames } from './connectors/peer-names.ts'
import { connectors } from './connectors/registry.ts'
import { encodeConnectors } from './encode/registry.ts'
import { ConnectionPool } from './http/connections.ts'
import { Legs } from './http/exchange.ts'
import type { Rank, Sidecar } from './proxy/context.ts'
import { type Listener, openListener } from './proxy/listener.ts'
import { upstreamTls } from './proxy/upstream-tls.ts'
import { Metrics } from './telemetry/metrics.ts'
import { openMetrics } from './telemetry/metrics-server.ts'
import type { Tracing } from './telemetry/tracing.ts'
import { type AllowList, anyOf, everything, StaticAllowList } from './trust/allow-list.ts'

/** A sidecar that serves. */
export interface Running extends Serving {
  readonly urls: readonly string[]
  readonly ports: readonly number[]
  readonly metricsPort: number | undefined
  readonly metrics: Metrics
}

/** What a test puts in the place of the machine's. */
export interface Surroundings {
  readonly clock?: Clock
  readonly random?: Random
  readonly connector?: ConnectorFactory
  readonly tracing?: Tracing
  /** Variables for OpenTelemetry. */
  readonly env?: Readonly<Record<string, string | undefined>>
}

/**
 * Opens the listeners of a sidecar.
 * @throws StartError when it is the user who can mend what is wrong
 */
export async function startSidecar(config: Config, log: Logger, surroundings: Surroundings = {}): Promise<Running> {
  const {
    clock = new RealClock(),
    random = seededRandom(freshSeed()),
    connector = connectors[config.kvConnector],
  } = surroundings
  // Sockets are the machine's, whatever the clock is.
  const machine = new RealClock()
  const pool = new ConnectionPool(machine, config.maxIdleConnsPerHost)
  const legs = new Legs(pool)
  const metrics = new Metrics()
  const peers = new PeerNames(clock, addressesOf, dnsTtl, {
    again: () => metrics.dns.again.inc(),
    changed: () => metrics.dns.changed.inc(),
    failed: () => metrics.dns.failed.inc(),
  })
  await seedPeers(config, peers)
  const parts = { config, legs, clock, random, entropy: freshBytes, log, metrics, peers }
  const sidecar: Sidecar = {
    ...parts,
    allowList: await allowListOf(config, machine, log),
    tls: upstreamTls(config),
    tracing: surroundings.tracing ?? (await tracingOf(config, surroundings.env ?? {}, log)),
    draining: false,
  }
  const stages = {
    connector: connector(parts),
    encoder: config.ecConnector === '' ? undefined : encodeConnectors[config.ecConnector],
  }
  const listeners: Listener[] = []
  try {
    for (let index = 0; index < config.dataParallelSize; index++) {
      listeners.push(await openListener(sidecar, stages, rankOf(config, sidecar, index), pool, machine))
    }
    const [metricsHost, metricsPort] = metricsAddress(config)
    const metricsServer =
      metricsPort === undefined
        ? undefined
        : await openMetrics(metrics, metricsHost, metricsPort, config.metricsCertDir, machine)
    return {
      urls: listeners.map(({ url }) => url),
      ports: listeners.map(({ port }) => port),
      metricsPort: metricsServer?.port,
      metrics,
      failed: new Promise(() => {}),
      async stop(limit) {
        sidecar.draining = true
        const drained = await Promise.all(listeners.map(listener => listener.close(limit)))
        pool.close()
        sidecar.allowList.close()
        await sidecar.tracing?.shutdown()
        await metricsServer?.close()
        return drained.every(one => one)
      },
    }
  } catch (error) {
    await Promise.all(listeners.map(listener => listener.close(0)))
    sidecar.allowList.close()
    throw error
  }
}

/** For how long the address of a peer counts, milliseconds. */
const dnsTtl = 30_000

async function addressesOf(name: string): Promise<string[]> {
  return (await lookup(name, { all: true })).map(({ address }) => address)
}

async function seedPeers(config: Config, peers: PeerNames): Promise<void> {
  if (!config.moriioWriteMode) return
  const names = [
    ['--moriio-remote-hosts', config.moriioRemoteHosts],
    ['--moriio-decode-hosts', config.moriioDecodeHosts],
    ['--moriio-local-pod-ip', [config.moriioLocalPodIp]],
  ] as const
  for (const [flag, hosts] of names) {
    for (const host of hosts) {
      await peers.seed(host).catch(error => {
        throw new StartError(`resolving ${flag}: ${(error as Error).message}`)
      })
    }
  }
}

async function tracingOf(
  { tracing }: Config,
  env: Readonly<Record<string, string | undefined>>,
  log: Logger,
): Promise<Tracing | undefined> {
  if (!tracing) return undefined
  try {
    const { openTelemetry } = await import('./telemetry/open-telemetry.ts')
    return await openTelemetry(env, log)
  } catch (error) {
    log.error({ err: error }, 'tracing cannot be started')
    return undefined
  }
}

async function allowListOf(
  { enableSsrfProtection, ssrfAllow, inferencePool }: Config,
  clock: Clock,
  log: Logger,
): Promise<AllowList> {
  if (!enableSsrfProtection) return everything
  const lists: AllowList[] = []
  try {
    if (ssrfAllow.length > 0) lists.push(new StaticAllowList(ssrfAllow))
  } catch (error) {
    throw new StartError((error as Error).message)
  }
  if (inferencePool !== '') {
    const { WatchedAllowList } = await import('./trust/watched-allow-list.ts')
    lists.push(new WatchedAllowList(inferencePool, clock, log))
  }
  return anyOf(lists)
}

function rankOf(config: Config, { tls }: Pick<Sidecar, 'tls'>, index: number): Rank {
  const port = config.port === 0 ? 0 : config.port + index
  return { index, port, decoder: { host: 'localhost', port: config.modelServerPort + index, tls: tls.decoder } }
}

/** Where metrics are served; undefined: nowhere. */
function metricsAddress({ metricsPort, metricsAddress: address }: Config): [host: string, port: number | undefined] {
  if (metricsPort > 0) return ['', metricsPort]
  const match = /^(.*):(\d{1,5})$/.exec(address)
  return match === null ? ['', undefined] : [match[1]!.replace(/^\[|\]$/g, ''), Number(match[2])]
}
