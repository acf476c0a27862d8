import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { Generator } from './config.ts'
import { generate } from './generator.ts'

test.each<[Generator['fn'], number, number, number, number]>([
  // fn, start, end, part of the period, value
  ['oscillate', 1, 5, 0, 3],
  ['oscillate', 1, 5, 0.25, 5],
  ['oscillate', 1, 5, 0.75, 1],
  ['oscillate', 1, 5, 1.25, 5],
  ['oscillate', 5, 1, 0.25, 1],
  ['ramp', 0, 1, 0, 0],
  ['ramp', 0, 1, 0.5, 0.5],
  ['ramp', 0, 1, 1, 1],
  ['ramp', 0, 1, 7.3, 1],
  ['ramp', 1, 0, 0.25, 0.75],
  ['rampreset', 1, 0, 0.75, 0.25],
  ['rampreset', 1, 0, 1, 1],
  ['rampreset', 0, 8, 2.5, 4],
  ['squarewave', 10, 15, 0, 10],
  ['squarewave', 10, 15, 0.49, 10],
  ['squarewave', 10, 15, 0.5, 15],
  ['squarewave', 10, 15, 1, 10],
])('%s:%d:%d at %d periods is %d', (fn, start, end, periods, value) => {
  expect(generate({ fn, start, end, periodMs: 400 }, periods * 400)).toBeCloseTo(value, 9)
})

test('every value lies between start and end', () => {
  fc.assert(
    fc.property(
      fc.constantFrom('oscillate', 'ramp', 'rampreset', 'squarewave'),
      fc.double({ min: 0, max: 100, noNaN: true }),
      fc.double({ min: 0, max: 100, noNaN: true }),
      fc.double({ min: 0.001, max: 1e6, noNaN: true }),
      fc.double({ min: 0, max: 1e7, noNaN: true }),
      (fn, start, end, periodMs, elapsed) => {
        const value = generate({ fn, start, end, periodMs }, elapsed)
        const tolerance = 1e-9 * (1 + start + end)
        return value >= Math.min(start, end) - tolerance && value <= Math.max(start, end) + tolerance
      },
    ),
  )
})
