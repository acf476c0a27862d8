export type { CacheConfigInfo, CacheConfigValue } from './cache-config.ts'
export { createMetrics, type Metrics } from './create-metrics.ts'
export { contentType } from './exposition.ts'
export {
  type FakeGauge,
  type FakeHistograms,
  type FakeLora,
  type FakeMetricsConfig,
  type Generator,
  mergeFakeMetrics,
} from './fake/config.ts'
export type { HttpRecorder } from './http.ts'
export type { KvTransferRecorder } from './kv-transfer.ts'
export { type MetricsOptions, VersionError } from './options.ts'
export type { ProcessStats } from './process.ts'
export { type MetricKey, metricTable } from './table/index.ts'
export type { FakeGaugeKey, FakeHistogramKey, MetricRow } from './table/row.ts'
