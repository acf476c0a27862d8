import { expect, it } from 'vitest'
import { Pacing, type PacingSummary } from './pacing.ts'

const pace = { ttft: 50, itl: 10 }

/** Sent at 1000; token k arrives at its due time and `delay(k)` more. */
function summary(streams: number, tokens: number, delay: (k: number, stream: number) => number): PacingSummary {
  const pacing = new Pacing(pace)
  for (let stream = 0; stream < streams; stream++) {
    const arrivals = Array.from({ length: tokens }, (_, k) => 1050 + 10 * k + delay(k, stream))
    pacing.add(1000, arrivals, tokens)
  }
  return pacing.summary()
}

it('shows nothing for a server that is exact', () => {
  for (const value of Object.values(summary(10, 100, () => 0))) expect(value).toBe(0)
})

it('tells a late start from late tokens', () => {
  const late = summary(10, 100, () => 7)
  expect(late).toMatchObject({ ttftOverP50: 7, ttftOverMax: 7, lateMax: 0, overdueP50: 7, overdueMax: 7 })
  expect(late.driftPercent).toBe(0)
})

it('tells tokens that are late by themselves from drift', () => {
  const jitter = summary(10, 101, k => (k % 10 === 5 ? 30 : 0))
  expect(jitter).toMatchObject({ lateP50: 0, lateP99: 30, lateMax: 30, driftPercent: 0 })
  const drift = summary(10, 101, k => k)
  expect(drift.driftPercent).toBeCloseTo(10)
  expect(drift).toMatchObject({ lateP50: 50, lateMax: 100, overdueMax: 100, ttftOverMax: 0 })
})

it('shows tokens that are early only by their size', () => {
  const early = summary(1, 100, k => (k > 0 ? -3 : 0))
  expect(early).toMatchObject({ lateP50: -3, lateP99: 3, lateMax: 3, overdueP50: -3 })
})

it('has only the start of streams without pace', () => {
  const pacing = new Pacing({ ttft: 0, itl: 0 })
  pacing.add(100, [103, 103, 104], 3)
  expect(pacing.summary()).toEqual({ ttftOverP50: 3, ttftOverP99: 3, ttftOverMax: 3 })
})
