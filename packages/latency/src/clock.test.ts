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

  test.each([0, -1, Number.NaN, Number.POSITIVE_INFINITY])('refuses the factor %s', factor => {
    expect(() => new ScaledClock(new VirtualClock(), factor)).toThrow(RangeError)
  })
})
