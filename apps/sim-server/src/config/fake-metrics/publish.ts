import {
  type FakeGauge,
  type FakeMetrics,
  type GeneratorName,
  HISTOGRAM_KEYS,
  type HistogramKey,
} from './fake-metrics.ts'

/** A gauge as the metrics package takes it: fixed, or a function of time. */
type PublishedGauge =
  | number
  | { readonly fn: GeneratorName; readonly start: number; readonly end: number; readonly periodMs: number }

/**
 * Fake metrics as the metrics package takes them, names in camel case. In an update, what is absent stays as it is;
 * bucket counts of prompt or generation tokens without a total make the counter follow the buckets.
 */
export interface PublishedFakeMetrics {
  readonly runningRequests?: PublishedGauge
  readonly waitingRequests?: PublishedGauge
  readonly kvCacheUsage?: PublishedGauge
  readonly loras?: readonly { readonly running: string; readonly waiting: string; readonly timestamp: number }[]
  readonly histograms: Readonly<Partial<Record<HistogramKey, readonly number[]>>>
  /** Counts per finish reason; an update is merged, an empty one clears them. */
  readonly requestSuccessTotal?: Readonly<Record<string, number>>
  readonly totalPromptTokens?: number
  readonly totalGenerationTokens?: number
  readonly prefixCacheHits?: number
  readonly prefixCacheQueries?: number
}

/** Fake metrics at the start, or an update of them. */
export function publishFakeMetrics(metrics: FakeMetrics): PublishedFakeMetrics {
  const {
    'running-requests': running,
    'waiting-requests': waiting,
    'kv-cache-usage': usage,
    'request-success-total': requestSuccessTotal,
    'total-prompt-tokens': totalPromptTokens,
    'total-generation-tokens': totalGenerationTokens,
    'prefix-cache-hits': prefixCacheHits,
    'prefix-cache-queries': prefixCacheQueries,
    loras,
  } = metrics
  const histograms = HISTOGRAM_KEYS.flatMap(key => (metrics[key] === undefined ? [] : [[key, metrics[key]] as const]))
  return {
    ...(running !== undefined && { runningRequests: publishGauge(running) }),
    ...(waiting !== undefined && { waitingRequests: publishGauge(waiting) }),
    ...(usage !== undefined && { kvCacheUsage: publishGauge(usage) }),
    ...(loras !== undefined && {
      loras: loras.map(({ running = '', waiting = '', timestamp = 0 }) => ({ running, waiting, timestamp })),
    }),
    histograms: Object.fromEntries(histograms),
    ...(requestSuccessTotal !== undefined && { requestSuccessTotal }),
    ...(totalPromptTokens !== undefined && { totalPromptTokens }),
    ...(totalGenerationTokens !== undefined && { totalGenerationTokens }),
    ...(prefixCacheHits !== undefined && { prefixCacheHits }),
    ...(prefixCacheQueries !== undefined && { prefixCacheQueries }),
  }
}

function publishGauge(gauge: FakeGauge): PublishedGauge {
  if (typeof gauge === 'number') return gauge
  const { name: fn, start, end, periodMs } = gauge
  return { fn, start, end, periodMs }
}
