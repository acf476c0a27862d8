import { expect, test } from 'vitest'
import { TextCache } from './text-cache.ts'

const cacheOf = <T>(weigh: (value: T) => number = () => 1): TextCache<T> =>
  new TextCache<T>(weigh, error => error instanceof RangeError)

test('makes a value once, and remembers failures of the text itself alone', () => {
  const cache = cacheOf<number>()
  let made = 0
  const make = (): number => ++made
  expect([cache.get('a', make), cache.get('a', make), cache.get('b', make)]).toEqual([1, 1, 2])
  const fail = (error: Error) => (): number => {
    made++
    throw error
  }
  expect(() => cache.get('c', fail(new RangeError('no')))).toThrow('no')
  expect(() => cache.get('c', fail(new RangeError('no')))).toThrow('no')
  expect(made).toBe(3)
  expect(() => cache.get('d', fail(new Error('not now')))).toThrow('not now')
  expect(cache.get('d', () => 7)).toBe(7)
})

test('forgets what was used longest ago', () => {
  const cache = cacheOf<string>()
  for (let at = 0; at < 600; at++) {
    cache.get(`key ${at}`, () => 'old')
    cache.get('kept', () => 'old')
  }
  expect(cache.get('kept', () => 'new')).toBe('old')
  expect(cache.get('key 599', () => 'new')).toBe('old')
  expect(cache.get('key 0', () => 'new')).toBe('new')
})

test('what is huge does not stay: a key, a value, a value that grows', () => {
  const cache = cacheOf<{ size: number }>(({ size }) => size)
  const value = (size: number) => () => ({ size })
  const huge = 'x'.repeat(10_000_000)
  cache.get('small', value(1))
  cache.get(huge, value(1))
  cache.get('heavy', value(1_000_000))
  expect(cache.get(huge, value(2)).size).toBe(2)
  expect(cache.get('heavy', value(2)).size).toBe(2)
  expect(cache.get('small', value(2)).size).toBe(1)
  const growing = cache.get('growing', value(3))
  growing.size = 1_000_000
  expect(cache.get('growing', value(4))).toBe(growing)
  expect(cache.get('growing', value(4)).size).toBe(4)
})
