import { describe, expect, test } from 'vitest'
import { ScaledClock, VirtualClock } from './clock.ts'

describe('VirtualClock', () => {
  test('runs timers in order of their time and stands at each one’s time', () => {
    const clock = new VirtualClock()
    const seen: [string, number][] = []
    clock.timer(20, () => seen.push(['b', clock.now()]))
    clock.timer(10, () => {
      seen.push(['a', clock.now()])
      clock.timer(5, () => seen.push(['a2', clock.now()]))
    })
    clock.timer(30, () => seen.push(['c', clock.now()]))
    clock.advance(25)
    expect(seen).toEqual([
      ['a', 10],
      ['a2', 15],
      ['b', 20],
    ])
    expect(clock.now()).toBe(25)
  })

  test('a cancelled timer does not run', () => {
    const clock = new VirtualClock()
    const seen: string[] = []
    clock.timer(10, () => seen.push('x')).cancel()
    clock.runAll()
    expect(seen).toEqual([])
  })

  test('step moves to the next timer and no further', () => {
    const clock = new VirtualClock()
    const seen: number[] = []
    for (const due of [5, 5, 9]) clock.timer(due, () => seen.push(clock.now()))
    expect(clock.step()).toBe(true)
    expect(seen).toEqual([5, 5])
    expect(clock.step()).toBe(true)
    expect(seen).toEqual([5, 5, 9])
    expect(clock.step()).toBe(false)
    expect(clock.now()).toBe(9)
  })

  test('wall time moves with it', () => {
    const clock = new VirtualClock(0, 1_000_000)
    clock.advance(1.5)
    expect(clock.wall()).toBe(1_000_001.5)
  })
})

describe('ScaledClock', () => {
  test('an hour at 3,600 takes a second', () => {
    const base = new VirtualClock()
    const clock = new ScaledClock(base, 3600)
    const start = clock.now()
    let at = Number.NaN
    clock.timer(3_600_000, () => {
      at = clock.now()
    })
    base.advance(999)
    expect(at).toBeNaN()
    base.advance(1)
    expect(at - start).toBeCloseTo(3_600_000)
  })

  test('its real clock is the one that nobody scales', () => {
    const base = new VirtualClock()
    const clock = new ScaledClock(new ScaledClock(base, 10), 10)
    expect(clock.real).toBe(base)
    expect(base.real).toBe(base)
  })

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses the factor %s', factor => {
    expect(() => new ScaledClock(new VirtualClock(), factor)).toThrow(RangeError)
  })
})
