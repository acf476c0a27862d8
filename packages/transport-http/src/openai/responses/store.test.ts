import { expect, test } from 'vitest'
import { ResponseStore, type Storable } from './store.ts'

const mebibyte = 1024 * 1024

test('the newest thousand are kept', () => {
  const store = new ResponseStore<Storable>()
  for (let at = 0; at < 1500; at++) store.put({ id: `resp_${at}`, owner: '', weight: 1 })
  expect(store.get('resp_499', '')).toBeUndefined()
  expect(store.get('resp_500', '')).toBeDefined()
  expect(store.get('resp_1499', '')).toBeDefined()
})

test('heavy ones displace more, but the newest always stays', () => {
  const store = new ResponseStore<Storable>()
  for (let at = 0; at < 10; at++) store.put({ id: `resp_${at}`, owner: '', weight: 10 * mebibyte })
  expect([3, 4, 9].map(at => store.get(`resp_${at}`, '') !== undefined)).toEqual([false, true, true])
  store.put({ id: 'huge', owner: '', weight: 100 * mebibyte })
  expect(store.get('huge', '')).toBeDefined()
  expect(store.get('resp_9', '')).toBeUndefined()
  store.put({ id: 'small', owner: '', weight: 1 })
  expect(store.get('huge', '')).toBeUndefined()
  expect(store.get('small', '')).toBeDefined()
})

test('a response that has grown is weighed again', () => {
  const store = new ResponseStore<{ id: string; owner: string; weight: number }>()
  const growing = { id: 'growing', owner: '', weight: 1 }
  store.put({ id: 'old', owner: '', weight: mebibyte })
  store.put(growing)
  growing.weight = 64 * mebibyte
  store.weigh(growing)
  expect(store.get('old', '')).toBeUndefined()
  expect(store.get('growing', '')).toBe(growing)
  store.put({ id: 'new', owner: '', weight: 1 })
  expect(store.get('growing', '')).toBeUndefined()
  expect(store.delete('growing', '')).toBeUndefined()
  // What is gone is not counted any more, however much it grows.
  growing.weight = 1000 * mebibyte
  store.weigh(growing)
  for (let at = 0; at < 6; at++) store.put({ id: `resp_${at}`, owner: '', weight: 10 * mebibyte })
  expect(store.get('resp_0', '')).toBeDefined()
})

test('an id that comes again does not displace the response before it', () => {
  const store = new ResponseStore<Storable>()
  const first = { id: 'a', owner: '', weight: 1 }
  store.put(first)
  store.put({ id: 'a', owner: '', weight: 2 })
  expect(store.get('a', '')).toBe(first)
})

test('with keys every client has its own', () => {
  const store = new ResponseStore<Storable>(true)
  const [one, two] = ['Bearer one', 'bearer  two'].map(header => store.ownerOf(header))
  store.put({ id: 'a', owner: one!, weight: 1 })
  expect(store.has('a', one!)).toBe(true)
  expect(store.has('a', two!)).toBe(false)
  const open = new ResponseStore<Storable>()
  expect(open.ownerOf('Bearer one')).toBe(open.ownerOf(undefined))
})
