import { expect, test } from 'vitest'
import { firstTokenBounds, requestLatencyBounds, tokenBounds, tokenLatencyBounds } from './bounds.ts'

test.each([
  [-1, []],
  [0, []],
  [1, [1]],
  [5, [1, 2, 5]],
  [10, [1, 2, 5, 10]],
  [99, [1, 2, 5, 10, 20, 50]],
  [100, [1, 2, 5, 10, 20, 50, 100]],
  [999, [1, 2, 5, 10, 20, 50, 100, 200, 500]],
  [1024, [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000]],
  [4096, [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000]],
  [32768, [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000, 2000, 5000, 10000, 20000]],
])('token buckets of a context of %i', (maxModelLen, bounds) => {
  expect(tokenBounds(maxModelLen)).toEqual(bounds)
})

test('time buckets are as many as vLLM has', () => {
  expect([firstTokenBounds.length, tokenLatencyBounds.length, requestLatencyBounds.length]).toEqual([22, 19, 21])
})
