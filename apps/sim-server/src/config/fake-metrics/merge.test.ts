import { expect, test } from 'vitest'
import { mergeFakeMetrics } from './merge.ts'

test('what an update does not name stays, what it names is replaced whole', () => {
  const old = {
    'running-requests': { name: 'ramp', start: 0, end: 1, periodMs: 10 },
    'waiting-requests': 3,
    'ttft-buckets-values': [1, 2, 3],
    loras: [{ running: 'a', waiting: 'b', timestamp: 7 }],
  } as const
  expect(
    mergeFakeMetrics(old, { 'running-requests': 5, 'ttft-buckets-values': [], loras: [{ running: 'c' }] }),
  ).toEqual({ 'running-requests': 5, 'waiting-requests': 3, 'ttft-buckets-values': [], loras: [{ running: 'c' }] })
})

test('counts per finish reason are merged, an empty object clears them', () => {
  const old = { 'request-success-total': { stop: 1, length: 2 } }
  const added = mergeFakeMetrics(old, { 'request-success-total': { stop: 5, tool_calls: 6 } })
  expect(added['request-success-total']).toEqual({ stop: 5, length: 2, tool_calls: 6 })
  expect(mergeFakeMetrics(old, { 'request-success-total': {} })['request-success-total']).toEqual({})
})

test('new bucket counts of tokens make an earlier total forgotten', () => {
  const old = { 'request-prompt-tokens': [1, 2, 3], 'total-prompt-tokens': 12345, 'total-generation-tokens': 9 }
  const counted = mergeFakeMetrics(old, { 'request-prompt-tokens': [10, 20] })
  expect(counted).toEqual({ 'request-prompt-tokens': [10, 20], 'total-generation-tokens': 9 })
  expect(mergeFakeMetrics(counted, { 'total-prompt-tokens': 58 })).toEqual({
    'request-prompt-tokens': [10, 20],
    'total-prompt-tokens': 58,
    'total-generation-tokens': 9,
  })
  const both = mergeFakeMetrics(old, { 'request-prompt-tokens': [], 'total-prompt-tokens': 1 })
  expect(both['total-prompt-tokens']).toBe(1)
})
