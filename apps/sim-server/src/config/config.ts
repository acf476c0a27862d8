import type { LatencyOptions } from '@vllm-sim/latency'
import type { EnvironmentFields } from './environment.ts'
import { type PublishedFakeMetrics, publishFakeMetrics } from './fake-metrics/publish.ts'
import type { FakeMetrics } from './fake-metrics.ts'
import type { KvEventsConfig } from './kv-events-config.ts'
import { kvEventsConfig } from './kv-events-config.ts'
import { optionTable, publishedNames } from './table.ts'
import { camelCase, type OptionFields, type Values } from './values.ts'

/** Levels of the log, the most talkative first. */
export type LogLevel = 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'silent'

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
}

/**
 * Everything that was configured. One field per option, named in camel case; **durations are milliseconds**, fractions
 * kept. Plain data: it can be sent to a worker thread.
 */
export interface Config extends Omit<OptionFields, keyof DerivedFields>, EnvironmentFields, DerivedFields {
  /** The first served name, shown in responses and metrics. */
  readonly displayModelName: string
  /** What the latency model takes. */
  readonly latency: LatencyOptions
  /** What the metrics package takes. */
  readonly fakeMetricsInput: PublishedFakeMetrics | undefined
  /** Names of the options that were given, from whatever source. */
  readonly given: ReadonlySet<string>
  /** A configuration file was read. */
  readonly configFileRead: boolean
  /** What was read, durations in nanoseconds: for `GET /admin/config` and updates of it. */
  readonly values: Values
}

/** What a configuration is made of. */
export interface ConfigParts {
  readonly values: Values
  readonly environment: EnvironmentFields
  readonly given: ReadonlySet<string>
  readonly configFileRead: boolean
  /** The seed when none was given. */
  readonly freshSeed: bigint
}

/** Makes the configuration from valid values. */
export function buildConfig({ values, environment, given, configFileRead, freshSeed }: ConfigParts): Config {
  const published: Record<string, unknown> = {}
  for (const name of publishedNames) {
    const { type } = optionTable.get(name)!
    const value = values.byName[name]
    published[camelCase(name)] = value === undefined || type.publish === undefined ? value : type.publish(value)
  }
  const options = published as unknown as OptionFields
  const servedModelName = options.servedModelName?.length ? options.servedModelName : [options.model]
  return {
    ...options,
    ...environment,
    servedModelName,
    displayModelName: servedModelName[0]!,
    maxCpuLoras: options.maxCpuLoras || options.maxLoras,
    seed: options.seed ?? freshSeed,
    logLevel: options.logLevel || levelOfVerbosity(options.v),
    apiKey: options.apiKey ?? [],
    loraModules: options.loraModules ?? [],
    failureTypes: options.failureTypes ?? [],
    fakeMetricsInput: options.fakeMetrics && publishFakeMetrics(options.fakeMetrics),
    kvEventsConfig: options.kvEventsConfig && kvEventsConfig(options.kvEventsConfig),
    latency: latencyOptions(options),
    given,
    configFileRead,
    values,
  }
}

function latencyOptions(options: OptionFields): LatencyOptions {
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

/** The levels of `-v` that the reference documents; 3 is 2 with nothing more to say. */
function levelOfVerbosity(v: number): LogLevel {
  if (v >= 5) return 'trace'
  if (v === 4) return 'debug'
  if (v >= 2) return 'info'
  return v === 1 ? 'warn' : 'error'
}
