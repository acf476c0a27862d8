import type { FakeGaugeKey, FakeHistogramKey } from '../table/row.ts'

/** A gauge that moves by itself. Start may exceed end. */
export interface Generator {
  readonly fn: 'oscillate' | 'ramp' | 'rampreset' | 'squarewave'
  readonly start: number
  readonly end: number
  /** Milliseconds, above 0. */
  readonly periodMs: number
}

/** One combination of adapters to show. */
export interface FakeLora {
  /** Names joined by commas. */
  readonly running: string
  readonly waiting: string
  /** Unix time in seconds; 0 when left out. */
  readonly timestamp?: number
}

/** Observations per bucket, first bucket first; the one after the last bound is +Inf. Missing ones are 0. */
export type FakeHistograms = Partial<Readonly<Record<FakeHistogramKey, readonly number[]>>>

/** A fake gauge's value or how it moves. */
export type FakeGauge = number | Generator

/**
 * Values to show instead of measured ones; already validated. What is left out is not shown at all. In an update, what
 * is left out (or undefined) stays as it is.
 */
export interface FakeMetricsConfig extends Partial<Readonly<Record<FakeGaugeKey, FakeGauge | undefined>>> {
  readonly loras?: readonly FakeLora[] | undefined
  readonly histograms?: FakeHistograms | undefined
  /** Counts by finish reason. */
  readonly requestSuccessTotal?: Readonly<Record<string, number>> | undefined
  readonly totalPromptTokens?: number | undefined
  readonly totalGenerationTokens?: number | undefined
  readonly prefixCacheHits?: number | undefined
  readonly prefixCacheQueries?: number | undefined
  /** How often generators are recalculated, milliseconds; 100 when left out. */
  readonly refreshIntervalMs?: number | undefined
}

/** Which explicit total a token histogram overrides, and which counter derives from it. */
const totals = [
  ['request-prompt-tokens', 'totalPromptTokens'],
  ['request-generation-tokens', 'totalGenerationTokens'],
] as const

/**
 * The configuration after an update. A histogram, `loras` and numbers are replaced whole, success counts are merged,
 * and a token histogram without its total makes an earlier total be forgotten. Empty success counts remove the counter.
 */
export function mergeFakeMetrics(current: FakeMetricsConfig, update: FakeMetricsConfig): FakeMetricsConfig {
  const merged: { -readonly [Key in keyof FakeMetricsConfig]: FakeMetricsConfig[Key] } = { ...current }
  for (const [histogram, total] of totals) if (update.histograms?.[histogram] !== undefined) delete merged[total]
  Object.assign(merged, defined(update))
  if (update.histograms) merged.histograms = { ...current.histograms, ...defined(update.histograms) }
  if (update.requestSuccessTotal) {
    if (Object.keys(update.requestSuccessTotal).length === 0) delete merged.requestSuccessTotal
    else merged.requestSuccessTotal = { ...current.requestSuccessTotal, ...update.requestSuccessTotal }
  }
  return merged
}

function defined<T extends object>(object: T): Partial<T> {
  return Object.fromEntries(
    Object.entries(object).filter(([, value]) => value !== undefined && value !== null),
  ) as Partial<T>
}
