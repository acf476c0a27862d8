import fc from 'fast-check'
import { expect, it } from 'vitest'
import { mean, median, Numbers, quantile } from './quantiles.ts'

it('finds the middle and the ends', () => {
  expect(median([3, 1, 2])).toBe(2)
  expect(median([4, 1, 2, 3])).toBe(2.5)
  expect(median([])).toBeNaN()
  expect(mean([1, 2, 6])).toBe(3)
  const hundred = Array.from({ length: 100 }, (_, i) => i)
  expect([quantile(hundred, 0), quantile(hundred, 0.5), quantile(hundred, 0.99), quantile(hundred, 1)]).toEqual([
    0, 50, 99, 99,
  ])
  expect(quantile([], 0.5)).toBeNaN()
})

it('keeps every number that was pushed, in ascending order', () => {
  fc.assert(
    fc.property(fc.array(fc.double({ noNaN: true }), { maxLength: 5000 }), values => {
      const numbers = new Numbers()
      for (const value of values) numbers.push(value)
      expect(numbers.length).toBe(values.length)
      expect([...numbers.sorted()]).toEqual([...new Float64Array(values).sort()])
    }),
    { numRuns: 20 },
  )
})
