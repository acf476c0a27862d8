import type { Clock } from '@vllm-sim/core-engine'
import { tokenBounds } from '../bounds.ts'
import { type Group, groupFor, Histogram, type Scalar } from '../cells.ts'
import { finishReasons } from '../table/engine.ts'
import { type MetricKey, metricRows } from '../table/index.ts'
import type { FakeGaugeKey, FakeHistogramKey, FakeSource } from '../table/row.ts'
import { type FakeMetricsConfig, mergeFakeMetrics } from './config.ts'
import { generate } from './generator.ts'

const defaultRefreshInterval = 100

/** The reasons that are shown as 0 beside those that are given: the reference's five. */
const shownReasons = finishReasons.slice(0, 5)

const gaugeKeys = ['runningRequests', 'waitingRequests', 'kvCacheUsage'] as const

/** The histogram whose sum a counter shows when no total is given. */
const derivedFrom = {
  totalPromptTokens: 'request-prompt-tokens',
  totalGenerationTokens: 'request-generation-tokens',
} as const

/**
 * Families that show a configuration instead of what the engine does. All but the clocks of the generators follows from
 * the present configuration, so an update merges configurations and fills the families anew.
 */
export class FakeMetrics {
  readonly #clock: Clock
  readonly #maxLoras: string
  readonly #tokenBounds: readonly number[]
  readonly #groups = new Map<MetricKey, Group>()
  readonly #sources = new Map<MetricKey, FakeSource>()
  /** When each generator began, clock milliseconds; undefined until `start`. */
  readonly #begun = new Map<FakeGaugeKey, number>()
  #started = false
  #config: FakeMetricsConfig
  /** Unix time that the series of empty adapter lists shows, seconds. */
  #idleSince: number

  /** @param maxModelLen context length in tokens, the end of the 1-2-5 buckets */
  constructor(config: FakeMetricsConfig, maxModelLen: number, maxLoras: number, clock: Clock) {
    this.#clock = clock
    this.#maxLoras = String(maxLoras)
    this.#tokenBounds = tokenBounds(maxModelLen)
    this.#config = config
    this.#idleSince = unixSeconds(clock)
    for (const [key, row] of metricRows) {
      if (row.fake === undefined || row.fake === 'cacheConfig') continue
      this.#groups.set(key, groupFor(row, maxModelLen))
      this.#sources.set(key, row.fake)
    }
    this.#fill()
  }

  /** The configuration with all updates merged in. */
  get config(): FakeMetricsConfig {
    return this.#config
  }

  /** The families that can appear. */
  get groups(): ReadonlyMap<MetricKey, Group> {
    return this.#groups
  }

  /** Lets the generators' clocks run. Until then they show their first value. */
  start(): void {
    if (this.#started) return
    this.#started = true
    for (const key of gaugeKeys) this.#begun.set(key, this.#clock.now())
  }

  /** Changes what `update` names and nothing else. A generator that it names starts anew. */
  update(update: FakeMetricsConfig): void {
    this.#config = mergeFakeMetrics(this.#config, update)
    if (update.loras?.length === 0) this.#idleSince = unixSeconds(this.#clock)
    if (this.#started) {
      for (const key of gaugeKeys) if (typeof update[key] === 'object') this.#begun.set(key, this.#clock.now())
    }
    this.#fill()
  }

  /** Recalculates the gauges that generators move, on the grid of the refresh interval. */
  refresh(): void {
    for (const [key, source] of this.#sources) {
      if (isGauge(source) && typeof this.#config[source] === 'object') this.#fillGauge(this.#group(key), source)
    }
  }

  #fill(): void {
    for (const [key, source] of this.#sources) {
      const group = this.#group(key)
      group.clear()
      if (isGauge(source)) this.#fillGauge(group, source)
      else if (source === 'loras') this.#fillLoras(group)
      else if (source === 'requestSuccessTotal') this.#fillSuccess(group)
      else if (source === 'totalPromptTokens' || source === 'totalGenerationTokens') this.#fillTotal(group, source)
      else if (source === 'prefixCacheHits' || source === 'prefixCacheQueries') set(group, this.#config[source])
      else this.#fillHistogram(group, source as FakeHistogramKey)
    }
  }

  #group(key: MetricKey): Group<Scalar> {
    return this.#groups.get(key) as Group<Scalar>
  }

  #fillGauge(group: Group<Scalar>, source: FakeGaugeKey): void {
    const gauge = this.#config[source]
    if (typeof gauge !== 'object') {
      set(group, gauge)
      return
    }
    const interval = this.#config.refreshIntervalMs ?? defaultRefreshInterval
    const now = this.#clock.now()
    const elapsed = now - (this.#begun.get(source) ?? now)
    const value = generate(gauge, Math.floor(elapsed / interval) * interval)
    set(group, source === 'kvCacheUsage' ? value : Math.trunc(value))
  }

  #fillLoras(group: Group<Scalar>): void {
    const loras = this.#config.loras ?? []
    if (loras.length === 0) group.at(this.#maxLoras, '', '').value = this.#idleSince
    for (const { running, waiting, timestamp } of loras) {
      group.at(this.#maxLoras, running, waiting).value = timestamp ?? 0
    }
  }

  #fillSuccess(group: Group<Scalar>): void {
    const counts = this.#config.requestSuccessTotal
    if (counts === undefined) return
    for (const reason of shownReasons) group.at(reason)
    for (const [reason, count] of Object.entries(counts)) group.at(reason).value = count
  }

  #fillTotal(group: Group<Scalar>, source: 'totalPromptTokens' | 'totalGenerationTokens'): void {
    const counts = this.#config.histograms?.[derivedFrom[source]]
    const total = this.#config[source]
    const derived = counts?.length ? filled(new Histogram(this.#tokenBounds), counts).sum : undefined
    set(group, total ?? derived)
  }

  #fillHistogram(group: Group<Scalar>, source: FakeHistogramKey): void {
    const counts = this.#config.histograms?.[source]
    if (counts?.some(count => count > 0)) filled((group as unknown as Group<Histogram>).at(), counts)
  }
}

/** Places `counts` observations at the buckets' upper bounds; beyond the last bound, one above it. */
function filled(histogram: Histogram, counts: readonly number[]): Histogram {
  const { bounds } = histogram
  const beyond = (bounds.at(-1) ?? 0) + 1
  for (const [index, count] of counts.entries()) histogram.observeMany(bounds[index] ?? beyond, count)
  return histogram
}

function set(group: Group<Scalar>, value: number | undefined): void {
  if (value !== undefined) group.at().value = value
}

function isGauge(source: FakeSource): source is FakeGaugeKey {
  return source === 'runningRequests' || source === 'waitingRequests' || source === 'kvCacheUsage'
}

function unixSeconds(clock: Clock): number {
  return Math.floor(clock.wall() * 1000) / 1e6
}
