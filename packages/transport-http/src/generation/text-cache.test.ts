import { expect, test } from 'vitest'
import { TextCache } from './text-cache.ts'

test('makes a value once, and remembers failures', () => {
  const cache = new TextCache<number>()
  let made = 0
  const make = (): number => ++made
  expect([cache.get('a', make), cache.get('a', make), cache.get('b', make)]).toEqual([1, 1, 2])
  const fail = (): number => {
    made++
    throw new Error('no')
  }
  expect(() => cache.get('c', fail)).toThrow('no')
  expect(() => cache.get('c', fail)).toThrow('no')
  expect(made).toBe(3)
})

test('forgets what was used longest ago', () => {
  const cache = new TextCache<string>()
  for (let at = 0; at < 600; at++) {
    cache.get(`key ${at}`, () => 'old')
    cache.get('kept', () => 'old')
  }
  expect(cache.get('kept', () => 'new')).toBe('old')
  expect(cache.get('key 599', () => 'new')).toBe('old')
  expect(cache.get('key 0', () => 'new')).toBe('new')
})

test('huge keys do not stay', () => {
  const cache = new TextCache<string>()
  const huge = 'x'.repeat(5_000_000)
  cache.get('small', () => 'old')
  cache.get(huge, () => 'old')
  expect(cache.get(huge, () => 'new')).toBe('new')
  expect(cache.get('small', () => 'new')).toBe('new')
})
