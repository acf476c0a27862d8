import type { FakeMetricsConfig } from '@vllm-sim/metrics'

export const fake: FakeMetricsConfig = {
  runningRequests: { fn: 'oscillate', start: 1, end: 5, periodMs: 1000 },
  histograms: { 'ttft-buckets-values': [10, 20, 30] },
}
