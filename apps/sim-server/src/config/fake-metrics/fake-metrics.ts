/** Functions of time that a fake gauge can follow. */
export const GENERATOR_NAMES = ['oscillate', 'ramp', 'rampreset', 'squarewave'] as const

export type GeneratorName = (typeof GENERATOR_NAMES)[number]

/** A gauge that is a function of the time since it was set. `name` may be any text until it was validated. */
export interface GaugeGenerator {
  readonly name: GeneratorName
  readonly start: number
  readonly end: number
  readonly periodMs: number
}

/** One series of `vllm:lora_requests_info`: comma-separated adapter names and the value. */
export interface FakeLora {
  readonly running?: string
  readonly waiting?: string
  /** Unix time in seconds. */
  readonly timestamp?: number
}

export type FakeGauge = number | GaugeGenerator

export const GAUGE_KEYS = ['running-requests', 'waiting-requests', 'kv-cache-usage'] as const

/** Histograms given as counts per bucket, in the order in which they are validated. */
export const HISTOGRAM_KEYS = [
  'ttft-buckets-values',
  'tpot-buckets-values',
  'request-prompt-tokens',
  'request-generation-tokens',
  'request-params-max-tokens',
  'request-max-generation-tokens',
  'e2erl-buckets-values',
  'queue-time-buckets-values',
  'inf-time-buckets-values',
  'prefill-time-buckets-values',
  'decode-time-buckets-values',
  'request-tpot-buckets-values',
] as const

export const COUNTER_KEYS = [
  'total-prompt-tokens',
  'total-generation-tokens',
  'prefix-cache-hits',
  'prefix-cache-queries',
] as const

type GaugeKey = (typeof GAUGE_KEYS)[number]
export type HistogramKey = (typeof HISTOGRAM_KEYS)[number]
type CounterKey = (typeof COUNTER_KEYS)[number]

/**
 * Fake metrics as they are configured: only the keys that were given, under the names of the configuration. An update
 * at run time has the same form; what it does not name stays as it is.
 */
export type FakeMetrics = {
  readonly [K in GaugeKey]?: FakeGauge
} & { readonly [K in HistogramKey]?: readonly number[] } & { readonly [K in CounterKey]?: number } & {
  readonly loras?: readonly FakeLora[]
  /** Count per finish reason. */
  readonly 'request-success-total'?: Readonly<Record<string, number>>
}

export type FakeMetricsUpdate = FakeMetrics

/** Finish reasons that fake counts can be given for. */
export const FINISH_REASONS = ['stop', 'length', 'tool_calls', 'remote_decode', 'cache_threshold'] as const
