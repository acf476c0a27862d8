import { describe, expect, test } from 'vitest'
import { HISTOGRAM_KEYS } from './fake-metrics.ts'
import { parseFakeMetrics } from './parse.ts'
import { fakeMetricsError } from './validate.ts'

function errorOf(metrics: object, maxModelLen = 1024): string | undefined {
  return fakeMetricsError(parseFakeMetrics(metrics, 'json'), maxModelLen)
}

const zeros = (length: number): number[] => Array.from({ length }, () => 0)

describe('refused', () => {
  const parameter = 'invalid fake metrics generation parameter: '

  test.each<readonly [object, string]>([
    [{ 'running-requests': -10 }, 'fake metrics request counters cannot be negative'],
    [{ 'waiting-requests': -1 }, 'fake metrics request counters cannot be negative'],
    [{ 'kv-cache-usage': 1.1 }, 'fake metrics KV cache usage must be between 0 and 1'],
    [{ 'kv-cache-usage': -0.1 }, 'fake metrics KV cache usage must be between 0 and 1'],
    [
      { 'running-requests': 'Ramp:0:1:1s' },
      'invalid fake metrics generation function Ramp, must be one of the following: oscillate, ramp, rampreset, squarewave',
    ],
    [{ 'running-requests': 'ramp:-1:1:1s' }, `${parameter}start and end must not be negative`],
    [{ 'running-requests': 'ramp:0:-1:1s' }, `${parameter}start and end must not be negative`],
    [{ 'running-requests': 'ramp:0:1:-1s' }, `${parameter}start and end must not be negative`],
    [{ 'running-requests': 'ramp:0:1:0' }, `${parameter}period must be positive`],
    [{ 'kv-cache-usage': 'ramp:0:2:1s' }, 'fake metrics KV cache usage start and end must be between 0 and 1'],
    [{ 'ttft-buckets-values': zeros(24) }, 'fake time-to-first-token array is too long'],
    [{ 'ttft-buckets-values': [1, -1] }, 'time-to-first-token fake metrics should contain only non-negative values'],
    [{ 'tpot-buckets-values': zeros(21) }, 'fake time-per-output-token array is too long'],
    [{ 'tpot-buckets-values': [-1] }, 'time-per-output-token fake metrics should contain only non-negative values'],
    [{ 'request-success-total': { stop: -2 } }, 'fake metrics request-success-total.stop cannot be negative, got -2'],
    [
      { 'request-success-total': { done: 2 } },
      'invalid finish reason in request-success-total: done (valid reasons: [stop length tool_calls remote_decode cache_threshold])',
    ],
    ...HISTOGRAM_KEYS.slice(2).map(
      key => [{ [key]: [0, -1] }, `fake metrics ${key} cannot contain negative values`] as const,
    ),
    [{ 'request-prompt-tokens': zeros(12) }, 'fake metrics request-prompt-tokens array is too long'],
    [{ 'e2erl-buckets-values': zeros(23) }, 'fake metrics e2erl-buckets-values array is too long'],
    [{ 'request-tpot-buckets-values': zeros(21) }, 'fake metrics request-tpot-buckets-values array is too long'],
    [{ 'total-prompt-tokens': -1 }, 'fake metrics total-prompt-tokens cannot be negative'],
    [{ 'total-generation-tokens': -1 }, 'fake metrics total-generation-tokens cannot be negative'],
    [{ 'prefix-cache-hits': -1, 'prefix-cache-queries': 1 }, 'fake metrics prefix-cache-hits cannot be negative'],
    [{ 'prefix-cache-hits': 1, 'prefix-cache-queries': -1 }, 'fake metrics prefix-cache-queries cannot be negative'],
    [{ 'prefix-cache-hits': 1 }, 'fake metrics prefix-cache-hits and prefix-cache-queries must be specified together'],
    [
      { 'prefix-cache-queries': 0 },
      'fake metrics prefix-cache-hits and prefix-cache-queries must be specified together',
    ],
    [
      { 'prefix-cache-hits': 2, 'prefix-cache-queries': 1 },
      'fake metrics prefix-cache-hits cannot exceed prefix-cache-queries',
    ],
  ])('%j', (metrics, message) => {
    expect(errorOf(metrics)).toBe(message)
  })
})

test.each([
  [{}],
  [{ 'running-requests': 16.5, 'kv-cache-usage': 1 }],
  [{ 'kv-cache-usage': 'rampreset:1:0:550ms' }],
  [{ 'ttft-buckets-values': zeros(23), 'tpot-buckets-values': zeros(20), 'e2erl-buckets-values': zeros(22) }],
  [{ 'request-prompt-tokens': zeros(11) }],
  [{ 'prefix-cache-hits': 0, 'prefix-cache-queries': 0 }],
])('accepted: %j', metrics => {
  expect(errorOf(metrics)).toBeUndefined()
})

test('token histograms have as many buckets as the context length asks for', () => {
  expect(errorOf({ 'request-params-max-tokens': zeros(2) }, 1)).toBeUndefined()
  expect(errorOf({ 'request-params-max-tokens': zeros(3) }, 1)).toContain('too long')
  expect(errorOf({ 'request-params-max-tokens': zeros(13) }, 5000)).toBeUndefined()
})

test('gauges come before histograms, these before counters', () => {
  const all = {
    'prefix-cache-hits': -1,
    'request-prompt-tokens': [-1],
    'ttft-buckets-values': [-1],
    'kv-cache-usage': 2,
  }
  expect(errorOf(all)).toContain('KV cache usage')
  expect(errorOf({ ...all, 'kv-cache-usage': 1 })).toContain('time-to-first-token')
  expect(errorOf({ ...all, 'kv-cache-usage': 1, 'ttft-buckets-values': [] })).toContain('request-prompt-tokens')
})
