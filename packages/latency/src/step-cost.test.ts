import { expect, test } from 'vitest'
import { seededRandom } from './random.ts'
import { type StepCoefficients, StepCost, StepShape } from './step-cost.ts'

const none: StepCoefficients = {
  host_ms: 0,
  mixed_ms: 0,
  weights_ms: 0,
  token_us: 0,
  seq_us: 0,
  ctx_us_per_ktok: 0,
  pair_us_per_ktok: 0,
  skew_us_per_ktok: 0,
}

/** Two decodes of 1,000 and 3,000 tokens and a chunk of 500 behind 1,000. */
function shape(): StepShape {
  const made = new StepShape()
  made.decode(1, 1000)
  made.decode(1, 3000)
  made.prefill(500, 1000)
  return made
}

test.each<[Partial<StepCoefficients>, number]>([
  [{ host_ms: 2 }, 2],
  [{ mixed_ms: 3 }, 3],
  [{ weights_ms: 7 }, 7],
  [{ token_us: 10 }, 5.02],
  [{ seq_us: 20 }, 0.04],
  [{ ctx_us_per_ktok: 50 }, 0.2],
  [{ pair_us_per_ktok: 2 }, 1.25],
  [{ skew_us_per_ktok: 100 }, 0.1],
  [{ weights_ms: 5, token_us: 5000 / 502 }, 5 * 2 ** (1 / 6)],
  [{ weights_ms: 5, moe: { share: 0.9, experts: 128, active: 8 } }, 5],
  [
    {
      weights_ms: 5,
      correction: [
        [1, 1],
        [502 ** 2, 3],
      ],
    },
    10,
  ],
  [{ weights_ms: 5, correction: [[1000, 2]] }, 10],
])('%j', (coefficients, time) => {
  expect(new StepCost({ ...none, ...coefficients }).time(shape())).toBeCloseTo(time, 9)
})

test('one token reads its own experts only', () => {
  const one = new StepShape()
  one.decode(1, 10)
  const moe = { share: 0.9, experts: 128, active: 8 }
  expect(new StepCost({ ...none, weights_ms: 10, moe }).time(one)).toBeCloseTo(10 * (1 - 0.9 * (1 - 8 / 128)), 9)
})

test('jitter keeps the mean and repeats with its seed', () => {
  const draw = () => {
    const cost = new StepCost({ ...none, host_ms: 10 }, 0.2, seededRandom(1))
    return Array.from({ length: 20_000 }, () => cost.time(shape()))
  }
  const times = draw()
  expect(times.reduce((sum, time) => sum + time, 0) / times.length).toBeCloseTo(10, 1)
  expect(draw()).toEqual(times)
})
