import type { FakeMetrics, FakeMetricsUpdate } from './fake-metrics.ts'

/**
 * Lays an update over fake metrics. What the update does not name stays; lists are replaced whole; counts per finish
 * reason are merged, an empty object clears them. New bucket counts of a token histogram without a new total make an
 * earlier total forgotten: the counter is then derived from the buckets.
 */
export function mergeFakeMetrics(old: FakeMetrics, update: FakeMetricsUpdate): FakeMetrics {
  const merged: { -readonly [K in keyof FakeMetrics]: FakeMetrics[K] } = { ...old, ...update }
  const counts = update['request-success-total']
  if (counts !== undefined && Object.keys(counts).length > 0) {
    merged['request-success-total'] = { ...old['request-success-total'], ...counts }
  }
  for (const kind of ['prompt', 'generation'] as const) {
    const counted = update[`request-${kind}-tokens`] !== undefined
    if (counted && update[`total-${kind}-tokens`] === undefined) delete merged[`total-${kind}-tokens`]
  }
  return merged
}
