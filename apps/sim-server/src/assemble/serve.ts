import { flushCompileCache } from 'node:module'
import { RealClock, RequestError } from '@vllm-sim/core-engine'
import type { KvEventPublisher } from '@vllm-sim/kv-events'
import type { Clock } from '@vllm-sim/latency'
import { VersionError } from '@vllm-sim/metrics'
import { type Cleanup, type Logger, type Serving, StartError } from '@vllm-sim/service'
import type { Tokenizer } from '@vllm-sim/tokenizer'
import type { Configurable, UpdateConfig } from '../admin/update.ts'
import { type Config, configOfPort } from '../config/index.ts'
import { createListener, type Listener } from '../listener/listener.ts'
import { holdFreePort } from '../listener/trial.ts'
import { StatsLog } from '../observability/stats-log.ts'
import { version } from '../version.ts'
import { openRecorded } from './dataset.ts'
import { createInstance, type Instance, type InstanceOptions, warmUpInstance } from './instance.ts'
import { openKvEvents } from './kv-events.ts'
import { connectorFactory, openSideChannel } from './kv-transfer.ts'
import { warmUp } from './warm-up.ts'

/** A running server. */
export interface Running extends Serving {
  /** Where it listens, a port for each rank. */
  readonly ports: readonly number[]
}

export interface ServeOptions {
  readonly config: Config
  readonly log: Logger
  /** Closed with the server. */
  readonly tokenizer: Tokenizer
  /** Told what must be done before the thread may be ended by force. */
  readonly cleanup: Cleanup
  /** How a change of the configuration is made; by default this server alone is changed. */
  readonly updateConfig?: UpdateConfig
  /** The clock of the simulation; by default the machine's, sped up by `--time-scale`. */
  readonly simulated?: Clock | undefined
}

/** Time for open connections to end after the last answer, milliseconds. */
const closeLimit = 5000
/** The same after answers were broken off, milliseconds. */
const failedLimit = 500
/** The budgets for a turn of the warm-up's instances: the usual one, and one with which much has to wait. */
export const practiceBudgets: readonly (number | undefined)[] = [undefined, 0.1]
/** How long the warm-up takes, milliseconds. */
const warmUpLimit = 540

/** Starts one server: an instance and its port. @throws StartError */
export async function serve(options: ServeOptions): Promise<Running & { readonly target: Configurable }> {
  const { log, tokenizer, cleanup, updateConfig, simulated } = options
  const held = options.config.port === 0 && options.config.uds === '' ? await holdFreePort(options.config) : undefined
  const config = held && 'port' in held.target ? configOfPort(options.config, held.target.port) : options.config
  const clock = new RealClock()
  const dataset = await openRecorded(config, tokenizer, log)
  const connector = await connectorFactory(config, log)
  const instance = create({
    config,
    tokenizer,
    log,
    port: config.port,
    recorded: dataset,
    connector,
    updateConfig,
    simulated,
  })
  if (instance.connector && config.nixl) await openSideChannel(instance.connector, config.nixl)
  const opening = openKvEvents(config, config.port, instance.engine.timeline, log)
  cleanup.add(async () => (await opening)?.close())
  const kvEvents = await opening
  if (kvEvents) instance.engine.observe(kvEvents)
  if (instance.grpc) instance.grpc.publisher = kvEvents
  const stats = config.disableLogStats ? undefined : statsLog(instance, clock, log)
  const { timeline } = instance.engine
  const listener = await createListener(config, instance.listener, instance.grpc, timeline, clock, log)
  if (config.warmUp) await practise(config, tokenizer, clock, log)
  if (config.grpc) await instance.grpc?.load()
  // A process that is killed would not write it, and the next start would compile everything again.
  flushCompileCache()

  void held?.release()
  const { url, port } = await listener.open()
  instance.opened()
  stats?.start()
  if (config.apiKey.length > 0) log.info(`Paths without an API key: ${instance.openPaths.join(' ')}`)
  log.info({ version, model: config.displayModelName, seed: String(config.seed) }, `Starting vLLM server on ${url}`)
  return {
    target: instance,
    ports: [port],
    failed: new Promise(() => {}),
    async stop(limit) {
      const drained = await drain(instance, limit, clock)
      if (!drained) listener.failAnswers(new RequestError(503, 'server is shutting down'))
      await close(listener, drained ? closeLimit : failedLimit, kvEvents)
      await instance.connector?.close()
      stats?.stop()
      await tokenizer.close()
      dataset?.close()
      return drained
    },
  }
}

function create(options: InstanceOptions): Instance {
  try {
    return createInstance(options)
  } catch (error) {
    if (error instanceof VersionError) throw new StartError(error.message)
    throw error
  }
}

/** Warms the code up on instances with the same observers; their periodic line is never started. */
async function practise(config: Config, tokenizer: Tokenizer, clock: Clock, log: Logger): Promise<void> {
  const instances = practiceBudgets.map(budget => warmUpInstance(config, tokenizer, budget))
  if (!config.disableLogStats) for (const { instance } of instances) statsLog(instance, clock, log)
  await warmUp({
    listeners: instances.map(({ instance }) => instance.listener),
    protocols: instances.flatMap(({ instance }) => instance.grpc ?? []).slice(0, 1),
    clock,
    model: config.displayModelName,
    limit: warmUpLimit,
    tuning: config.compilerTuning,
    pace: () => {
      for (const { pace } of instances) pace()
    },
  })
}

function statsLog(instance: Instance, timer: Clock, log: Logger): StatsLog {
  const { engine, clock, config } = instance
  const stats = new StatsLog({
    log,
    clock,
    timer,
    interval: 1000 * config.logStatsIntervalSeconds,
    engineIndex: config.rank,
    snapshot: () => engine.snapshot(),
  })
  engine.observe(stats)
  return stats
}

/** Waits until nothing runs or waits any more. @returns false when `limit` milliseconds were not enough */
async function drain(instance: Instance, limit: number, clock: Clock): Promise<boolean> {
  instance.drain()
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const timer = clock.timer(limit, () => resolve(false))
  instance.engine.whenIdle(() => resolve(true))
  const drained = await promise
  timer.cancel()
  return drained
}

async function close(listener: Listener, limit: number, kvEvents: KvEventPublisher | undefined): Promise<void> {
  await listener.close(limit)
  await kvEvents?.close()
}
