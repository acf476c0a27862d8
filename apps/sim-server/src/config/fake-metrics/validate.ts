import {
  COUNTER_KEYS,
  type FakeMetrics,
  FINISH_REASONS,
  GAUGE_KEYS,
  type GaugeGenerator,
  GENERATOR_NAMES,
  HISTOGRAM_KEYS,
  type HistogramKey,
} from './fake-metrics.ts'

/** Buckets per histogram, the one for +Inf included. Token histograms depend on the context length. */
const BUCKETS: Readonly<Partial<Record<HistogramKey, number>>> = {
  'ttft-buckets-values': 23,
  'tpot-buckets-values': 20,
  'request-tpot-buckets-values': 20,
  'e2erl-buckets-values': 22,
  'queue-time-buckets-values': 22,
  'inf-time-buckets-values': 22,
  'prefill-time-buckets-values': 22,
  'decode-time-buckets-values': 22,
}

/** Two histograms have names and texts of their own in errors. */
const NAMED: Readonly<Partial<Record<HistogramKey, string>>> = {
  'ttft-buckets-values': 'time-to-first-token',
  'tpot-buckets-values': 'time-per-output-token',
}

/**
 * The first thing wrong with complete fake metrics, or undefined. The order of the checks is part of the behaviour.
 * @param maxModelLen context length in tokens, which bounds the token histograms
 */
export function fakeMetricsError(metrics: FakeMetrics, maxModelLen: number): string | undefined {
  return (
    gaugeError(metrics) ??
    histogramError(metrics, HISTOGRAM_KEYS.slice(0, 2), maxModelLen) ??
    successError(metrics['request-success-total'] ?? {}) ??
    histogramError(metrics, HISTOGRAM_KEYS.slice(2), maxModelLen) ??
    counterError(metrics)
  )
}

function gaugeError(metrics: FakeMetrics): string | undefined {
  for (const key of ['running-requests', 'waiting-requests'] as const) {
    const value = metrics[key]
    if (typeof value === 'number' && value < 0) return 'fake metrics request counters cannot be negative'
  }
  const usage = metrics['kv-cache-usage']
  if (typeof usage === 'number' && (usage < 0 || usage > 1))
    return 'fake metrics KV cache usage must be between 0 and 1'
  for (const key of GAUGE_KEYS) {
    const value = metrics[key]
    const error = typeof value === 'object' ? generatorError(value) : undefined
    if (error !== undefined) return error
  }
  if (typeof usage === 'object' && Math.max(usage.start, usage.end) > 1) {
    return 'fake metrics KV cache usage start and end must be between 0 and 1'
  }
  return undefined
}

function generatorError({ name, start, end, periodMs }: GaugeGenerator): string | undefined {
  if (!GENERATOR_NAMES.includes(name)) {
    return `invalid fake metrics generation function ${name}, must be one of the following: ${GENERATOR_NAMES.join(', ')}`
  }
  if (start < 0 || end < 0 || periodMs < 0) {
    return 'invalid fake metrics generation parameter: start and end must not be negative'
  }
  return periodMs === 0 ? 'invalid fake metrics generation parameter: period must be positive' : undefined
}

function histogramError(metrics: FakeMetrics, keys: readonly HistogramKey[], maxModelLen: number): string | undefined {
  for (const key of keys) {
    const counts = metrics[key] ?? []
    const name = NAMED[key]
    if (name !== undefined) {
      if (counts.length > BUCKETS[key]!) return `fake ${name} array is too long`
      if (counts.some(count => count < 0)) return `${name} fake metrics should contain only non-negative values`
      continue
    }
    if (counts.some(count => count < 0)) return `fake metrics ${key} cannot contain negative values`
    if (counts.length > (BUCKETS[key] ?? tokenBuckets(maxModelLen))) return `fake metrics ${key} array is too long`
  }
  return undefined
}

/** How many of 1, 2, 5, 10, 20, 50, ... are not above `limit`, and one for +Inf. */
function tokenBuckets(limit: number): number {
  let buckets = 1
  for (let decade = 1; decade <= limit; decade *= 10) {
    buckets += [1, 2, 5].filter(step => step * decade <= limit).length
  }
  return buckets
}

function successError(counts: Readonly<Record<string, number>>): string | undefined {
  const reasons: readonly string[] = FINISH_REASONS
  for (const [reason, count] of Object.entries(counts)) {
    if (count < 0) return `fake metrics request-success-total.${reason} cannot be negative, got ${count}`
    if (!reasons.includes(reason)) {
      return `invalid finish reason in request-success-total: ${reason} (valid reasons: [${reasons.join(' ')}])`
    }
  }
  return undefined
}

function counterError(metrics: FakeMetrics): string | undefined {
  for (const key of COUNTER_KEYS) {
    if ((metrics[key] ?? 0) < 0) return `fake metrics ${key} cannot be negative`
  }
  const hits = metrics['prefix-cache-hits']
  const queries = metrics['prefix-cache-queries']
  if ((hits === undefined) !== (queries === undefined)) {
    return 'fake metrics prefix-cache-hits and prefix-cache-queries must be specified together'
  }
  if ((hits ?? 0) > (queries ?? 0)) return 'fake metrics prefix-cache-hits cannot exceed prefix-cache-queries'
  return undefined
}
