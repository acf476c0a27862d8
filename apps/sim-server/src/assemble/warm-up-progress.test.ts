import { VirtualClock } from '@vllm-sim/latency'
import { expect, test } from 'vitest'
import { longestTime, progress } from './warm-up-progress.ts'

/** Progress at each tenth of a warm-up of 100 ms in which `share` of the time is computed. */
function at(share: number): { progressed: () => number; clock: VirtualClock } {
  const clock = new VirtualClock()
  return { progressed: progress(clock, 100, () => 1000 + clock.now() * share), clock }
}

test('a machine without other work: the clock counts', () => {
  const { progressed, clock } = at(1.3)
  expect(progressed()).toBe(0)
  clock.advance(35)
  expect(progressed()).toBeCloseTo(0.35)
  clock.advance(65)
  expect(progressed()).toBe(1)
})

test('a busy machine: what was computed counts', () => {
  const { progressed, clock } = at(0.35)
  clock.advance(100)
  expect(progressed()).toBeCloseTo(0.5)
  clock.advance(100)
  expect(progressed()).toBeCloseTo(1)
})

test('a machine that computes nothing: it ends all the same', () => {
  const { progressed, clock } = at(0)
  clock.advance(150)
  expect(progressed()).toBeCloseTo(0.5)
  clock.advance(longestTime(100) - 150)
  expect(progressed()).toBe(1)
})
