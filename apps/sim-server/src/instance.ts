import {
  Engine,
  echoMode,
  FailureInjector,
  FnvHasher,
  latencyModel,
  PrefixCache,
  presetSentences,
  RealClock,
  randomMode,
  repeatMode,
  type TextMode,
  Timeline,
  type Token,
  toTokens,
} from '@vllm-sim/core-engine'
import { type Clock, ScaledClock } from '@vllm-sim/latency'
import { createMetrics, type Metrics } from '@vllm-sim/metrics'
import type { Tokenizer } from '@vllm-sim/tokenizer'
import { type ApiContext, createHttpApi, type HttpApi } from '@vllm-sim/transport-http'
import type { Config } from './config/index.ts'
import { idSource } from './ids.ts'
import type { Logger } from './log.ts'
import { processStats } from './process-stats.ts'
import { metricsRoute } from './routes.ts'
import { vllmVersion } from './version.ts'

export interface InstanceOptions {
  readonly config: Config
  readonly tokenizer: Tokenizer
  readonly log: Logger
  /** 0-based number of the data-parallel rank. */
  readonly rank?: number
  readonly port: number
}

/** One simulated vLLM: an engine, its metrics and its endpoints, without a listener. */
export interface Instance {
  readonly engine: Engine
  readonly metrics: Metrics
  readonly api: HttpApi
  readonly clock: Clock
  /** New generation requests are refused from now on. */
  drain(): void
  /** The port is open: clocks that count from there start. */
  opened(): void
}

/** Puts an instance together. */
export function createInstance({ config: initial, tokenizer, log, port, rank = 0 }: InstanceOptions): Instance {
  const live = { config: initial }
  const config = initial
  const real = new RealClock()
  const clock = config.timeScale === 1 ? real : new ScaledClock(real, config.timeScale)
  const timeline = new Timeline(clock)
  const seed = Number(config.seed)
  const outputTokens = (text: string): Token[] => toTokens(tokenizer.encodeOutput(text))
  const cached = config.enableKvcache && !config.mmEncoderOnly
  const metrics = createMetrics({
    clock,
    modelName: config.displayModelName,
    maxModelLen: config.maxModelLen,
    maxLoras: config.maxLoras,
    cacheConfig: { blockSize: config.blockSize, numGpuBlocks: config.kvCacheSize },
    labels: config.metricsLabels,
    engineIndex: rank,
    showHiddenMetricsForVersion: config.showHiddenMetricsForVersion || undefined,
    processStats: () => processStats(clock),
    fake: config.fakeMetricsInput,
  })
  const engine = new Engine({
    timeline,
    seed,
    maxNumSeqs: config.maxNumSeqs,
    maxWaiting: config.maxWaitingQueueLength,
    maxModelLen: config.maxModelLen,
    maxLoras: config.maxLoras,
    latency: latencyModel(config.latency),
    text: textMode(config, outputTokens),
    cacheHitThreshold: config.globalCacheHitThreshold,
    observers: [metrics.observer],
    ...(cached
      ? {
          cache: new PrefixCache({
            size: config.kvCacheSize,
            blockSize: config.blockSize,
            hasher: new FnvHasher(config.hashSeed),
          }),
        }
      : undefined),
  })
  for (const { name, path } of config.loraModules) engine.loras.register(name, path ?? '')

  const failures = new FailureInjector(seed, config.model, () => ({
    rate: live.config.failureInjectionRate,
    types: live.config.failureTypes,
  }))
  let draining = false
  let openedAt = Number.POSITIVE_INFINITY
  const context: ApiContext = {
    engine,
    tokenizer,
    timeline,
    clock,
    nextId: idSource(config.seed, port),
    log,
    draining: () => draining,
    outputTokens,
    settings: {
      model: config.model,
      servedNames: config.servedModelName,
      maxBodyBytes: config.maxRequestBodySizeMb * 1024 * 1024,
      requestIdHeaders: config.enableRequestIdHeaders,
      forceIncludeUsage: config.enableForceIncludeUsage,
      podHeaders: podHeaders(config, port),
      echo: config.mode === 'echo' && !config.mmEncoderOnly,
      anyModel: config.skipModelNameValidation,
      maxLogprobs: config.maxLogprobs,
      tokensAsTokenIds: config.returnTokensAsTokenIds,
      responseRole: config.responseRole,
      injectFailure: content => failures.draw(content),
    },
  }
  const api = createHttpApi(context, {
    ready: () => !draining && clock.now() - openedAt >= config.startupDuration,
    version: vllmVersion,
    cors: {
      origins: config.allowedOrigins,
      methods: config.allowedMethods,
      headers: config.allowedHeaders,
      credentials: config.allowCredentials,
    },
    apiKeys: config.apiKey,
    rootPath: config.rootPath,
    routes: [metricsRoute(metrics)],
  })
  return {
    engine,
    metrics,
    api,
    clock,
    drain: () => {
      draining = true
    },
    opened: () => {
      openedAt = clock.now()
      metrics.start()
    },
  }
}

function textMode(config: Config, tokens: (text: string) => Token[]): TextMode {
  if (config.mmEncoderOnly) return repeatMode(tokens('!')[0]!)
  if (config.mode === 'echo') return echoMode
  return randomMode(presetSentences.map(tokens))
}

function podHeaders(config: Config, port: number): Record<string, string> {
  return {
    ...(config.podName ? { 'x-inference-pod': config.podName, 'x-inference-port': String(port) } : undefined),
    ...(config.podNamespace ? { 'x-inference-namespace': config.podNamespace } : undefined),
  }
}
