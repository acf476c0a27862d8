import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { type Random, SeedBuilder, SeededRandom, seededRandom } from './random.ts'

const draws = (random: Random, count = 20): number[] => Array.from({ length: count }, () => random.next())

describe('SeededRandom', () => {
  test('the same parts give the same stream, other parts another', () => {
    expect(draws(seededRandom(1, 'a'))).toEqual(draws(seededRandom(1, 'a')))
    expect(draws(seededRandom(1, 'a'))).not.toEqual(draws(seededRandom(2, 'a')))
    expect(draws(seededRandom(1, 'a'))).not.toEqual(draws(seededRandom(1, 'b')))
    expect(draws(seededRandom('ab', 'c'))).not.toEqual(draws(seededRandom('a', 'bc')))
    expect(draws(seededRandom(0.5))).not.toEqual(draws(seededRandom(0.25)))
    expect(draws(seededRandom(2 ** 40))).not.toEqual(draws(seededRandom(2 ** 41)))
  })

  test('integers fill their range evenly, both ends included', () => {
    const random = seededRandom(7)
    const counts = new Map<number, number>()
    for (let i = 0; i < 11_000; i++) {
      const value = random.int(0, 10)
      counts.set(value, (counts.get(value) ?? 0) + 1)
    }
    expect([...counts.keys()].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10])
    for (const count of counts.values()) expect(Math.abs(count - 1000)).toBeLessThan(150)
  })

  test('integers stay in wide ranges too', () => {
    fc.assert(
      fc.property(fc.integer({ min: -(2 ** 52), max: 2 ** 52 }), fc.nat(2 ** 31), (min, span) => {
        const value = seededRandom(min).int(min, min + span)
        return Number.isSafeInteger(value) && value >= min && value <= min + span
      }),
    )
  })

  test('chances at the ends draw nothing', () => {
    const random = seededRandom(3)
    const other = seededRandom(3)
    expect(random.chance(0)).toBe(false)
    expect(random.chance(100)).toBe(true)
    expect(random.next()).toBe(other.next())
  })

  test('normal values have their mean and deviation', () => {
    const random = seededRandom(9)
    const values = Array.from({ length: 5000 }, () => random.normal(10, 2))
    const mean = values.reduce((a, b) => a + b) / values.length
    expect(mean).toBeGreaterThan(9.9)
    expect(mean).toBeLessThan(10.1)
  })
})

test('seeds that differ in one token or one bit give unrelated streams', () => {
  const first = new Map<number, string>()
  for (let i = 0; i < 2000; i++) {
    const value = new SeededRandom(new SeedBuilder().add(1).list([1, 2, i]).seed()).next()
    expect(first.has(value)).toBe(false)
    first.set(value, String(i))
  }
  const mean = [...first.keys()].reduce((a, b) => a + b) / first.size
  expect(Math.abs(mean - 0.5)).toBeLessThan(0.03)
})
