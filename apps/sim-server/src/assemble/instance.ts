import {
  Engine,
  type EngineObserver,
  latencyModel,
  RealClock,
  type RecordedAnswers,
  Timeline,
  type Token,
  toTokens,
} from '@vllm-sim/core-engine'
import type { NixlConnector } from '@vllm-sim/kv-transfer'
import { type Clock, noLatency, ScaledClock } from '@vllm-sim/latency'
import { createMetrics, type Metrics } from '@vllm-sim/metrics'
import { createLog, isLocal, type Logger } from '@vllm-sim/service'
import { FailureInjector, Readiness } from '@vllm-sim/serving'
import { SimulatedTokenizer, type Tokenizer } from '@vllm-sim/tokenizer'
import { type ApiContext, createHttpApi, type Handler } from '@vllm-sim/transport-http'
import { type Configurable, type UpdateConfig, updateOne } from '../admin/update.ts'
import { type AdminUpdate, AdminUpdateError, type Config } from '../config/index.ts'
import { GrpcFront } from '../grpc/front.ts'
import { listenTarget } from '../listener/target.ts'
import { logExchanges } from '../observability/http-log.ts'
import { processStart, processStats } from '../observability/process-stats.ts'
import { requestLog } from '../observability/request-log.ts'
import { transferRoutes } from '../routes/kv-transfers.ts'
import { instanceRoutes } from '../routes/routes.ts'
import { vllmVersion } from '../version.ts'
import { apiSettings } from './api-settings.ts'
import { cacheSize, prefixCache } from './cache.ts'
import { idSource } from './ids.ts'
import type { ConnectorFactory } from './kv-transfer.ts'
import { practiceSteps, Steps } from './steps.ts'
import { textMode } from './text.ts'

export interface InstanceOptions {
  readonly config: Config
  readonly tokenizer: Tokenizer
  readonly log: Logger
  /** The port that serves it, as clients are told. */
  readonly port: number
  /** See `Timeline`; by default its own. */
  readonly turnBudget?: number | undefined
  /** Recorded answers; without them text is made up. */
  readonly recorded?: RecordedAnswers | undefined
  /** Makes what hands KV blocks over and takes them; by default transfers are delays. */
  readonly connector?: ConnectorFactory | undefined
  /** How a change of the configuration is made; by default this instance alone is changed. */
  readonly updateConfig?: UpdateConfig | undefined
  /** The clock of the simulation; by default the machine's, sped up by `--time-scale`. */
  readonly simulated?: Clock | undefined
}

/** One simulated vLLM: an engine, its metrics and its endpoints, without a listener. */
export interface Instance extends Configurable {
  readonly engine: Engine
  readonly metrics: Metrics
  readonly connector: NixlConnector | undefined
  readonly listener: Handler
  /** The gRPC side; undefined where only the multimodal encoder runs. */
  readonly grpc: GrpcFront | undefined
  /** Paths that need no API key; all when there is none. */
  readonly openPaths: readonly string[]
  /** The clock of the simulation. */
  readonly clock: Clock
  /** New generation requests are refused from now on. */
  drain(): void
  /** The port is open: clocks that count from there start. */
  opened(): void
}

/** Puts an instance together. @throws VersionError of the metrics package */
export function createInstance(options: InstanceOptions): Instance {
  const { config, tokenizer, log, port, recorded } = options
  const live: { config: Config } = { config }
  const real = new RealClock()
  const clock = options.simulated ?? (config.timeScale === 1 ? real : new ScaledClock(real, config.timeScale))
  const timeline = new Timeline(clock, options.turnBudget)
  const seed = Number(config.seed)
  const startTime = processStart(real)
  const outputTokens = (text: string): Token[] => toTokens(tokenizer.encodeOutput(text))
  const metrics = createMetrics({
    clock,
    modelName: config.displayModelName,
    maxModelLen: config.maxModelLen,
    maxLoras: config.maxLoras,
    cacheConfig: { blockSize: config.blockSize, numGpuBlocks: cacheSize(config) },
    labels: config.metricsLabels,
    engineIndex: config.rank,
    showHiddenMetricsForVersion: config.showHiddenMetricsForVersion || undefined,
    logStats: !config.disableLogStats,
    kvConnector: config.nixl && 'nixl',
    processStats: () => processStats(startTime),
    fake: config.fakeMetricsInput,
  })
  const socketTimeline = clock === real ? timeline : new Timeline(real)
  const connector = options.connector?.(timeline, socketTimeline, metrics.kvTransfers)
  const steps = config.steps && new Steps(config, config.steps)
  const cache = steps?.cache ?? prefixCache(config)
  const engine = new Engine({
    timeline,
    seed,
    maxNumSeqs: config.maxNumSeqs,
    maxWaiting: config.maxWaitingQueueLength,
    maxModelLen: config.maxModelLen,
    maxLoras: config.maxLoras,
    latency: latencyModel(config.latency),
    text: textMode(config, outputTokens, recorded),
    cacheHitThreshold: config.globalCacheHitThreshold,
    observers: [metrics.observer, ...(connector ? [connector] : []), ...logObservers(config, log)],
    handOver: connector?.handOver,
    ...(cache ? { cache } : undefined),
    ...(steps ? { scheduling: steps.scheduling } : undefined),
  })
  for (const { name, path } of config.loraModules) engine.loras.register(name, path ?? '')

  const failures = new FailureInjector(seed, config.model, () => ({
    rate: live.config.failureInjectionRate,
    types: live.config.failureTypes,
  }))
  const readiness = new Readiness('starting')
  let draining = false
  const context: ApiContext = {
    engine,
    tokenizer,
    timeline,
    clock,
    socketTimeline,
    nextId: idSource(config.seed, port),
    log,
    recorder: metrics.http,
    draining: () => draining,
    kvTransfers: connector,
    outputTokens,
    settings: apiSettings(live, port, content => failures.draw(content)),
  }
  const target: Configurable = {
    get config() {
      return live.config
    },
    apply: update => {
      applyTo(engine, metrics, update)
      if (update.stepsChanged && update.config.steps) steps?.update(update.config.steps)
      live.config = update.config
    },
  }
  const grpc = config.mmEncoderOnly ? undefined : new GrpcFront({ config, context, engine, readiness })
  const { listener, openPaths } = createHttpApi(context, {
    ready: () => readiness.reason === undefined,
    version: vllmVersion,
    cors: {
      origins: config.allowedOrigins,
      methods: config.allowedMethods,
      headers: config.allowedHeaders,
      credentials: config.allowCredentials,
    },
    apiKeys: config.apiKey,
    protectAdmin: config.protectAdmin ?? !isLocal(listenTarget(config)),
    rootPath: config.rootPath,
    trackLoad: config.enableServerLoadTracking,
    docs: !config.disableFastapiDocs,
    routes: [
      ...instanceRoutes(context, engine, metrics, log, () => live.config, options.updateConfig ?? updateOne(target)),
      ...transferRoutes(connector),
      ...(grpc?.routes ?? []),
    ],
  })
  return {
    engine,
    metrics,
    connector,
    listener: config.logHttp ? logExchanges(listener, log) : listener,
    openPaths,
    grpc,
    clock,
    get config() {
      return live.config
    },
    apply: target.apply,
    drain: () => {
      draining = true
      readiness.set('server is shutting down')
    },
    opened: () => {
      const ready = (): void => {
        if (!draining) readiness.set(undefined)
      }
      if (config.startupDuration > 0) timeline.at(clock.now() + config.startupDuration, ready)
      else ready()
      metrics.start()
    },
  }
}

/** What an update changes beside the configuration itself. @throws AdminUpdateError; nothing is changed then */
function applyTo(engine: Engine, metrics: Metrics, update: AdminUpdate): void {
  if (update.fakeMetricsUpdate) {
    try {
      metrics.updateFake(update.fakeMetricsUpdate)
    } catch (error) {
      throw new AdminUpdateError(`failed to update fake metrics: ${(error as Error).message}`)
    }
  }
  if (update.latencyChanged) engine.latency = latencyModel(update.config.latency)
}

/** One line per request costs more than the request: only when asked for. */
function logObservers(config: Config, log: Logger): EngineObserver[] {
  if (config.enableLogRequests) return [requestLog(log, 'info')]
  return log.isLevelEnabled('debug') ? [requestLog(log, 'debug')] : []
}

/**
 * An instance for the warm-up: the same code, nobody's clients, no latency until `pace`, a silent log.
 * @param turnBudget see `Timeline`; with little, requests that come together have to wait for later turns
 */
export function warmUpInstance(
  config: Config,
  tokenizer: Tokenizer,
  turnBudget?: number,
): { instance: Instance; pace: () => void } {
  const { calculator } = config.latency
  const latency = { ...noLatency, calculator }
  const instance = createInstance({
    config: {
      ...config,
      apiKey: [],
      rootPath: '',
      timeScale: 1,
      steps: config.steps && practiceSteps(config.steps, 1024),
      maxNumSeqs: 1024,
      maxWaitingQueueLength: 1024,
      maxModelLen: Math.max(1024, config.maxModelLen),
      failureInjectionRate: 0,
      logHttp: false,
      enableLogRequests: false,
      latency,
    },
    // Another service is not to be called for practice.
    tokenizer: tokenizer.kind === 'render' ? new SimulatedTokenizer() : tokenizer,
    log: createLog({ level: 'silent', format: 'json' }),
    port: 0,
    turnBudget,
  })
  const pace = (): void => {
    const first = calculator === 'per-token' ? { prefillOverhead: 2 } : { timeToFirstToken: 2 }
    instance.engine.latency = latencyModel({ ...latency, ...first, interTokenLatency: 1 })
  }
  return { instance, pace }
}
