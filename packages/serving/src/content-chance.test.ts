import { expect, test } from 'vitest'
import { ContentChance } from './content-chance.ts'

test('decides by content and occurrence, in the configured share', () => {
  const draw = (seed: number, percent: number): boolean[] => {
    const chance = new ContentChance(seed, 'image', () => percent)
    return Array.from({ length: 2000 }, (_, at) => chance.draw(`request ${at % 20}`))
  }
  const drawn = draw(1, 30)
  const share = drawn.filter(Boolean).length / drawn.length
  expect(share).toBeGreaterThan(0.26)
  expect(share).toBeLessThan(0.34)
  expect(draw(1, 30)).toEqual(drawn)
  expect(draw(2, 30)).not.toEqual(drawn)
})

test('0 is never and 100 is always', () => {
  expect(new ContentChance(1, 'image', () => 0).draw('a')).toBe(false)
  expect(new ContentChance(1, 'image', () => 100).draw('a')).toBe(true)
})
