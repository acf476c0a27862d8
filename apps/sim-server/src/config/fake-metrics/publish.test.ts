import type { createMetrics } from '@vllm-sim/metrics'
import { expect, test } from 'vitest'
import { loadModel } from '../testing/load.ts'
import { publishFakeMetrics } from './publish.ts'

test('names and generators are those of the metrics package', async () => {
  const json = {
    'running-requests': 'squarewave:10:15:400ms',
    'waiting-requests': 3,
    'kv-cache-usage': 0.5,
    loras: [{ running: 'a' }],
    'ttft-buckets-values': [1],
    'request-prompt-tokens': [],
    'request-success-total': { stop: 2 },
    'total-prompt-tokens': 4,
    'prefix-cache-hits': 1,
    'prefix-cache-queries': 2,
  }
  const config = await loadModel('--fake-metrics', JSON.stringify(json), '--fake-metrics-refresh-interval', '50ms')
  expect(config.fakeMetricsInput).toEqual({
    runningRequests: { fn: 'squarewave', start: 10, end: 15, periodMs: 400 },
    waitingRequests: 3,
    kvCacheUsage: 0.5,
    loras: [{ running: 'a', waiting: '', timestamp: 0 }],
    histograms: { 'ttft-buckets-values': [1], 'request-prompt-tokens': [] },
    requestSuccessTotal: { stop: 2 },
    totalPromptTokens: 4,
    prefixCacheHits: 1,
    prefixCacheQueries: 2,
    refreshIntervalMs: 50,
  })
})

test('what is not configured is absent', () => {
  expect(publishFakeMetrics({})).toEqual({ histograms: {} })
})

test('the metrics package takes it as it is', async () => {
  const config = await loadModel('--fake-metrics', '{"running-requests":7}')
  const options: Parameters<typeof createMetrics>[0]['fake'] = config.fakeMetricsInput
  expect(options?.runningRequests).toBe(7)
})
