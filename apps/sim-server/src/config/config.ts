import { publishedFields } from '@vllm-sim/config'
import type { LatencyOptions } from '@vllm-sim/latency'
import type { LogLevel } from '@vllm-sim/service'
import { published } from '../options/table.ts'
import { endpointOfRank } from './endpoints.ts'
import type { EnvironmentFields } from './environment.ts'
import type { FakeMetrics } from './fake-metrics/fake-metrics.ts'
import { type PublishedFakeMetrics, publishFakeMetrics } from './fake-metrics/publish.ts'
import { type KvEventsConfig, kvEventsConfig } from './kv-events-config.ts'
import { type NixlConfig, nixlConfig } from './kv-transfer-config.ts'
import { type StepSettings, stepSettings } from './steps.ts'
import type { OptionFields, Values } from './values.ts'

/** How text becomes tokens. */
export type TokenizerMode = 'auto' | 'simulated' | 'hf' | 'render'

/** The options whose fields are more telling than what was written. */
type DerivedFields = {
  /** Names accepted in requests, the model's own when none was given. */
  readonly servedModelName: readonly string[]
  readonly maxCpuLoras: number
  readonly seed: bigint
  readonly logLevel: LogLevel
  /** Keys that requests must show; none: every request is let in. */
  readonly apiKey: readonly string[]
  readonly loraModules: NonNullable<OptionFields['loraModules']>
  readonly failureTypes: readonly string[]
  /** `undefined`: measured metrics are shown. */
  readonly fakeMetrics: FakeMetrics | undefined
  readonly kvEventsConfig: KvEventsConfig | undefined
  readonly tokenizerMode: TokenizerMode
}

/**
 * Everything that was configured. One field per option, named in camel case; **durations are milliseconds**, fractions
 * kept. Plain data: it can be sent to a worker thread.
 */
export interface Config extends Omit<OptionFields, 'config' | keyof DerivedFields>, EnvironmentFields, DerivedFields {
  /** The first served name, shown in responses and metrics. */
  readonly displayModelName: string
  /** How sequences share steps; undefined: each has times of its own. */
  readonly steps: StepSettings | undefined
  /** What the latency model takes. */
  readonly latency: LatencyOptions
  /** What the metrics package takes; `undefined` for measured metrics. */
  readonly fakeMetricsInput: (PublishedFakeMetrics & { readonly refreshIntervalMs: number }) | undefined
  /** The connector that hands KV blocks over; undefined when there is none. */
  readonly nixl: NixlConfig | undefined
  /** Data-parallel ranks that this process hosts, 1 or more. */
  readonly ranksInProcess: number
  /** Number of the rank in KV events and logs: 0 without data parallelism. */
  readonly rank: number
  /** Names of the options that were given, from whatever source. */
  readonly given: ReadonlySet<string>
  /** What the fields were made from. */
  readonly parts: ConfigParts
}

/** What a configuration is made of. */
export interface ConfigParts {
  /** Valid values as they were read: durations in nanoseconds, nothing offset for a rank. */
  readonly values: Values
  readonly environment: EnvironmentFields
  readonly given: ReadonlySet<string>
  /** A configuration file was read. */
  readonly configFileRead: boolean
  /** The seed when none was given. */
  readonly freshSeed: bigint
  /** Which of several ranks of this process. */
  readonly hostedRank: number
}

/** The same configuration for one of the ranks that this process hosts: its ports and endpoints, and its number. */
export function configOfRank(config: Config, rank: number): Config {
  return buildConfig({ ...config.parts, hostedRank: rank })
}

/** The same configuration with the port that came of port 0. */
export function configOfPort({ parts }: Config, port: number): Config {
  const asWritten = port - parts.hostedRank
  const { values } = parts
  return buildConfig({
    ...parts,
    values: { ...values, port: asWritten, byName: { ...values.byName, port: asWritten } },
  })
}

/** Makes the configuration from valid values. */
export function buildConfig(parts: ConfigParts): Config {
  const { values, environment, given, freshSeed, hostedRank } = parts
  const { config: _, ...options } = publishedFields(published, values)
  const servedModelName = options.servedModelName?.length ? options.servedModelName : [options.model]
  const steps = stepSettings(options, given)
  const rank = options.dataParallelRank < 0 ? hostedRank : options.dataParallelRank
  return {
    ...options,
    ...environment,
    port: options.port === 0 ? 0 : options.port + hostedRank,
    zmqEndpoint: endpointOfRank(options.zmqEndpoint, rank),
    kvEventsReplayEndpoint: endpointOfRank(options.kvEventsReplayEndpoint, rank),
    kvEventsConfig: options.kvEventsConfig && kvEventsConfig(options.kvEventsConfig, rank),
    nixl: options.kvTransferConfig && nixlConfig(options.kvTransferConfig, environment, rank, options.dataParallelSize),
    rank,
    ranksInProcess: options.dataParallelRank < 0 ? options.dataParallelSize : 1,
    servedModelName,
    steps,
    maxNumSeqs: steps?.maxNumSeqs ?? options.maxNumSeqs,
    blockSize: steps?.blockSize ?? options.blockSize,
    displayModelName: servedModelName[0]!,
    maxCpuLoras: options.maxCpuLoras || options.maxLoras,
    seed: options.seed ?? freshSeed,
    logLevel: options.logLevel || levelOfVerbosity(options.v),
    apiKey: options.apiKey ?? [],
    loraModules: options.loraModules ?? [],
    failureTypes: options.failureTypes ?? [],
    fakeMetricsInput: options.fakeMetrics && {
      ...publishFakeMetrics(options.fakeMetrics),
      refreshIntervalMs: options.fakeMetricsRefreshInterval,
    },
    tokenizerMode: tokenizerMode(options.tokenizerMode),
    latency: latencyOptions(options),
    given,
    parts,
  }
}

function latencyOptions(options: Omit<OptionFields, 'config'>): LatencyOptions {
  return {
    calculator: options.latencyCalculator,
    timeToFirstToken: options.timeToFirstToken,
    timeToFirstTokenDeviation: options.timeToFirstTokenStdDev,
    interTokenLatency: options.interTokenLatency,
    interTokenLatencyDeviation: options.interTokenLatencyStdDev,
    kvTransferLatency: options.kvCacheTransferLatency,
    kvTransferLatencyDeviation: options.kvCacheTransferLatencyStdDev,
    prefillOverhead: options.prefillOverhead,
    prefillTimePerToken: options.prefillTimePerToken,
    prefillTimeDeviation: options.prefillTimeStdDev,
    kvTransferTimePerToken: options.kvCacheTransferTimePerToken,
    kvTransferTimeDeviation: options.kvCacheTransferTimeStdDev,
    timeFactorUnderLoad: options.timeFactorUnderLoad,
    maxNumSeqs: options.maxNumSeqs,
  }
}

function tokenizerMode(mode: OptionFields['tokenizerMode']): TokenizerMode {
  return mode === 'simulated' || mode === 'hf' || mode === 'render' ? mode : 'auto'
}

/** The levels of `-v` that the reference documents; 3 is 2 with nothing more to say. */
function levelOfVerbosity(v: number): LogLevel {
  if (v >= 5) return 'trace'
  if (v === 4) return 'debug'
  if (v >= 2) return 'info'
  return v === 1 ? 'warn' : 'error'
}
