/// <reference path="./prom-client.d.ts" />
import type { EngineObserver } from '@vllm-sim/core-engine'
import type { Metric, Registry } from 'prom-client'
// The entry loads all of the library, OpenTelemetry's API and the cluster support, which takes some 50 ms at start; the
// registry alone takes 2 ms. `create-metrics.test.ts` makes sure that both ways give the same class, so metrics that a
// user makes with prom-client fit into this registry.
import PromRegistry from 'prom-client/lib/registry.js'
import { cacheConfigLabels } from './cache-config.ts'
import { type Cells, createCells } from './cells.ts'
import { contentType } from './exposition.ts'
import type { FakeMetricsConfig } from './fake/config.ts'
import { FakeMetrics } from './fake/fake-metrics.ts'
import { Family } from './family.ts'
import { HttpMetrics, type HttpRecorder } from './http.ts'
import { KvTransferMetrics, type KvTransferRecorder } from './kv-transfer.ts'
import { LoraInfo } from './lora-info.ts'
import { MetricsObserver } from './observer.ts'
import { isBefore, type MetricsOptions } from './options.ts'
import { updateProcessCells } from './process.ts'
import { renderRegistry } from './render.ts'
import { type MetricKey, metricRows } from './table/index.ts'
import type { MetricRow } from './table/row.ts'

/** The metrics of one server or rank. */
export interface Metrics {
  /** To be hung on the engine. */
  readonly observer: EngineObserver
  /** Takes further metrics made with prom-client: `new Counter({ registers: [metrics.registry], … })`. */
  readonly registry: Registry
  /** Takes finished HTTP requests. */
  readonly http: HttpRecorder
  /** Takes transfers of KV blocks. */
  readonly kvTransfers: KvTransferRecorder
  /** Media type of what `render` returns. */
  readonly contentType: string
  /** The configuration that is shown in fake mode, with all updates; undefined when real values are shown. */
  readonly fakeConfig: FakeMetricsConfig | undefined
  /**
   * All families as text, sorted by name.
   *
   * @param names the values of the query parameter `name[]`: only families, or samples of families, of these names
   */
  render(names?: readonly string[]): Promise<string>
  /** Tells that the port is open: from here on fake generators move. */
  start(): void
  /**
   * Changes fake values.
   *
   * @throws Error when real values are shown
   */
  updateFake(update: FakeMetricsConfig): void
}

/**
 * Makes the metrics of one server: its own registry, an observer that feeds it, and the text.
 *
 * @throws VersionError when `showHiddenMetricsForVersion` is not a version
 */
export function createMetrics(options: MetricsOptions): Metrics {
  const { clock, maxModelLen, maxLoras } = options
  const { cells, groups } = createCells(maxModelLen)
  const fake = options.fake && new FakeMetrics(options.fake, maxModelLen, maxLoras, clock)
  const observer = new MetricsObserver(cells, new LoraInfo(cells.loraInfo, maxLoras, clock))
  const registry = new PromRegistry()
  const cacheLabels = cacheConfigLabels(options.cacheConfig, options.labels === 'vllm')
  cells.cacheConfig.at(...Object.values(cacheLabels)).value = 1

  const refreshers = fake ? fakeRefreshers(fake) : realRefreshers(cells, observer, options)
  for (const [key, row] of metricRows) {
    if (!isShown(row, options)) continue
    const group = fake && key !== 'cacheConfig' ? fake.groups.get(key) : groups.get(key)
    if (!group) continue
    const labelNames = key === 'cacheConfig' ? Object.keys(cacheLabels) : labelNamesOf(row, options)
    const family = new Family({
      row,
      group,
      labelNames,
      labels: scopeLabels(row, options),
      refresh: refreshers.get(key),
    })
    // prom-client types a metric as one of its classes but asks only for `name`, `get` and `reset`.
    registry.registerMetric(family as unknown as Metric)
  }

  return {
    observer: fake ? {} : observer,
    registry,
    http: new HttpMetrics(cells),
    kvTransfers: new KvTransferMetrics(cells),
    contentType,
    get fakeConfig() {
      return fake?.config
    },
    render: names => renderRegistry(registry, names),
    start: () => fake?.start(),
    updateFake(update) {
      if (!fake) throw new Error('the simulator is reporting real metrics; fake metrics cannot be updated')
      fake.update(update)
    },
  }
}

/** Functions that bring a family's cells up to date, by row. Families that share one are refreshed together. */
type Refreshers = ReadonlyMap<MetricKey, () => void>

function fakeRefreshers(fake: FakeMetrics): Refreshers {
  const refresh = () => fake.refresh()
  return new Map([...fake.groups.keys()].map(key => [key, refresh]))
}

function realRefreshers(cells: Cells, observer: MetricsObserver, { processStats }: MetricsOptions): Refreshers {
  const settle = () => observer.settle()
  const refreshers = new Map<MetricKey, () => void>([['stepTokens', settle]])
  if (!processStats) return refreshers
  const measure = () => updateProcessCells(cells, processStats())
  for (const [key, row] of metricRows) if (row.name.startsWith('process_')) refreshers.set(key, measure)
  return refreshers
}

function isShown(row: MetricRow, options: MetricsOptions): boolean {
  const { logStats, processStats, showHiddenMetricsForVersion: version, kvConnector } = options
  if (row.shownWith !== undefined && row.shownWith !== kvConnector) return false
  if (logStats === false && row.name.startsWith('vllm:')) return false
  if (!processStats && row.name.startsWith('process_')) return false
  return row.removedIn === undefined || (version !== undefined && isBefore(version, row.removedIn))
}

function labelNamesOf(row: MetricRow, { labels }: MetricsOptions): readonly string[] {
  return (labels === 'vllm' ? row.vllmLabels : undefined) ?? row.labels ?? []
}

function scopeLabels(row: MetricRow, { labels, engineIndex, modelName }: MetricsOptions): Record<string, string> {
  if (row.scope === 'process') return {}
  const engine: Record<string, string> = labels === 'vllm' ? { engine: String(engineIndex ?? 0) } : {}
  return row.scope === 'engine' ? engine : { ...engine, model_name: modelName }
}
