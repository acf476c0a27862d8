import type { MetricName } from '../report/metrics.ts'

/** What one of the engine's own measurements prints. */
export interface EngineFigures {
  readonly title: string
  readonly values: Partial<Record<MetricName, number>>
}
