import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { longestDelay } from '../clock.ts'
import { seededRandom } from '../random.ts'
import { loadFactor, sampleDelay } from './delays.ts'
import type { LatencyStep } from './latency-model.ts'
import { type LatencyOptions, latencyModel, latencyModels, noLatency } from './registry.ts'

const zero: LatencyOptions = { ...noLatency, maxNumSeqs: 5 }
const random = () => seededRandom(1)

const step = (given: Partial<LatencyStep>): LatencyStep => ({
  running: 1,
  waiting: 0,
  promptTokens: 1,
  cachedTokens: 0,
  contextTokens: 1,
  outputTokens: 0,
  remotePrefill: false,
  random: random(),
  ...given,
})

describe('latencyModel', () => {
  // The reference's own examples, without its cut to whole milliseconds.
  test.each([
    {
      options: { timeToFirstToken: 42, timeFactorUnderLoad: 1.5, maxNumSeqs: 70 },
      running: 35,
      prompt: 1,
      cached: 0,
      ms: 52.34782608695652,
    },
    { options: { prefillOverhead: 30, prefillTimePerToken: 0.25 }, running: 1, prompt: 256, cached: 0, ms: 94 },
    { options: { prefillOverhead: 30, prefillTimePerToken: 0.25 }, running: 1, prompt: 256, cached: 64, ms: 78 },
    {
      options: { prefillOverhead: 30, prefillTimePerToken: 0.25, timeFactorUnderLoad: 2 },
      running: 2,
      prompt: 256,
      cached: 0,
      ms: 117.5,
    },
    {
      options: { calculator: 'constant' as const, prefillOverhead: 500, prefillTimePerToken: 50 },
      running: 1,
      prompt: 5,
      cached: 0,
      ms: 0,
    },
    {
      options: {
        calculator: 'per-token' as const,
        timeToFirstToken: 50,
        prefillOverhead: 1000,
        prefillTimePerToken: 50,
      },
      running: 1,
      prompt: 5,
      cached: 0,
      ms: 1250,
    },
  ])('first token after $ms ms', ({ options, running, prompt, cached, ms }) => {
    const model = latencyModel({ ...zero, ...options })
    expect(model.firstToken(step({ promptTokens: prompt, cachedTokens: cached, running }))).toBeCloseTo(ms, 9)
  })

  test.each([
    { options: { kvTransferTimePerToken: 0.125 }, prompt: 100, ms: 12.5 },
    { options: { kvTransferLatency: 50, kvTransferTimePerToken: 1 }, prompt: 100, ms: 50 },
    { options: { calculator: 'per-token' as const, kvTransferLatency: 20 }, prompt: 100, ms: 0 },
    { options: { calculator: 'constant' as const, timeToFirstToken: 1000, kvTransferLatency: 50 }, prompt: 9, ms: 50 },
  ])('a remote prefill takes the transfer: $ms ms, whatever the load', ({ options, prompt, ms }) => {
    const model = latencyModel({ ...zero, timeFactorUnderLoad: 3, ...options })
    const work = step({ promptTokens: prompt, cachedTokens: 64, remotePrefill: true, running: 5 })
    expect(model.firstToken(work)).toBeCloseTo(ms, 9)
  })

  test('inter-token latency keeps its fraction and grows with the load', () => {
    const model = latencyModel({ ...zero, interTokenLatency: 12.9, timeFactorUnderLoad: 2 })
    expect(model.interToken(step({ running: 1 }))).toBe(12.9)
    expect(model.interToken(step({ running: 3 }))).toBeCloseTo(19.35)
    expect(model.interToken(step({ running: 5 }))).toBeCloseTo(25.8)
  })
})

describe('bounds', () => {
  test.each(['timeToFirstToken', 'interTokenLatency', 'prefillTimeDeviation', 'kvTransferTimePerToken'] as const)(
    '%s beyond the longest delay, negative or no number is refused by name',
    name => {
      for (const value of [1e308, longestDelay + 1, -1, Number.NaN, Number.POSITIVE_INFINITY]) {
        expect(() => latencyModel({ ...zero, [name]: value })).toThrow(
          `${name} must be between 0 and 2147483647 ms, got ${value}`,
        )
      }
      latencyModel({ ...zero, [name]: longestDelay })
    },
  )

  test.each([0.5, Number.NaN, 1e308, Number.POSITIVE_INFINITY])(
    'a load factor of %s is refused',
    timeFactorUnderLoad => {
      expect(() => latencyModel({ ...zero, timeFactorUnderLoad })).toThrow(RangeError)
    },
  )

  test('what multiplies beyond the longest delay is cut to it', () => {
    const model = latencyModel({
      ...zero,
      prefillTimePerToken: longestDelay,
      interTokenLatency: 1e6,
      timeFactorUnderLoad: 1e6,
    })
    expect(model.firstToken(step({ promptTokens: 1e6 }))).toBe(longestDelay)
    expect(model.interToken(step({ running: 5 }))).toBe(longestDelay)
  })
})

test('without a deviation no model asks for the random stream', () => {
  const options = { ...zero, timeToFirstToken: 5, prefillTimePerToken: 1, interTokenLatency: 3, kvTransferLatency: 1 }
  for (const { create } of Object.values(latencyModels)) {
    const model = create(options)
    for (const remotePrefill of [true, false]) {
      const asked = step({ remotePrefill })
      Object.defineProperty(asked, 'random', {
        get: () => expect.unreachable('asked for a random number'),
      })
      model.firstToken(asked)
      model.interToken(asked)
    }
  }
})

test.each([
  [1, 1],
  [2, 1.25],
  [3, 1.5],
  [5, 2],
  [0, 1],
])('load factor 2 with %i of 5 slots is %f', (running, factor) => {
  expect(loadFactor(2, running, 5)).toBe(factor)
})

test('samples stay within 0.3 and 1.7 times the mean, and scatter', () => {
  const source = random()
  fc.assert(
    fc.property(
      fc.double({ min: 0.001, max: 1e6, noNaN: true }),
      fc.double({ min: 0, max: 1e6, noNaN: true }),
      (mean, deviation) => {
        const value = sampleDelay(mean, deviation, source)
        return value >= 0.3 * mean && value <= 1.7 * mean
      },
    ),
  )
  const values = Array.from({ length: 4000 }, () => sampleDelay(100, 20, source))
  const mean = values.reduce((a, b) => a + b) / values.length
  const deviation = Math.sqrt(values.reduce((sum, value) => sum + (value - mean) ** 2, 0) / values.length)
  expect(mean).toBeGreaterThan(98)
  expect(mean).toBeLessThan(102)
  expect(deviation).toBeGreaterThan(18)
  expect(deviation).toBeLessThan(22)
})

test('a mean of 0 is 0 whatever the deviation', () => {
  expect(sampleDelay(0, 50, random())).toBe(0)
})
