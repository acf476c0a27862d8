import { expect, test } from 'vitest'
import { ResponseStore, type Storable } from './store.ts'

const mebibyte = 1024 * 1024

test('the newest thousand are kept', () => {
  const store = new ResponseStore<Storable>()
  for (let at = 0; at < 1500; at++) store.put({ id: `resp_${at}`, weight: 1 })
  expect(store.get('resp_499')).toBeUndefined()
  expect(store.get('resp_500')).toBeDefined()
  expect(store.get('resp_1499')).toBeDefined()
})

test('heavy ones displace more, but the newest always stays', () => {
  const store = new ResponseStore<Storable>()
  for (let at = 0; at < 10; at++) store.put({ id: `resp_${at}`, weight: 10 * mebibyte })
  expect([3, 4, 9].map(at => store.get(`resp_${at}`) !== undefined)).toEqual([false, true, true])
  store.put({ id: 'huge', weight: 100 * mebibyte })
  expect(store.get('huge')).toBeDefined()
  expect(store.get('resp_9')).toBeUndefined()
  store.put({ id: 'small', weight: 1 })
  expect(store.get('huge')).toBeUndefined()
  expect(store.get('small')).toBeDefined()
})

test('weight counts as it was when a response came, also after it has grown', () => {
  const store = new ResponseStore<{ id: string; weight: number }>()
  const growing = { id: 'growing', weight: 1 }
  store.put(growing)
  growing.weight = 60 * mebibyte
  expect(store.delete('growing')).toBe(growing)
  expect(store.delete('growing')).toBeUndefined()
  for (let at = 0; at < 7; at++) store.put({ id: `resp_${at}`, weight: 10 * mebibyte })
  expect(store.get('resp_0')).toBeUndefined()
  expect(store.get('resp_1')).toBeDefined()
})

test('an id that comes again replaces the response before it', () => {
  const store = new ResponseStore<Storable>()
  store.put({ id: 'a', weight: 1 })
  const second = { id: 'a', weight: 2 }
  store.put(second)
  expect(store.get('a')).toBe(second)
})
