import { expect, test } from 'vitest'
import { SimulatedTokenizer } from './simulated.ts'
import { SlicedTokenizer } from './sliced.ts'

const words = ['plain', 'a_b', '  spaced  ', 'naïve', '日本語', '👩‍👩‍👧', 'line\n\n', 'x-y,z', '\t|`']
const text = Array.from({ length: 60_000 }, (_, n) => words[(n * 7919) % words.length]! + (n % 3 ? ' ' : '')).join('')

test('a long prompt is encoded with pauses, to exactly the same tokens', async () => {
  let pauses = 0
  const sliced = new SlicedTokenizer(async () => {
    pauses++
  })
  const whole = new SimulatedTokenizer()
  const encoding = sliced.encode(text)
  expect(encoding).toBeInstanceOf(Promise)
  expect((await encoding).ids).toEqual(whole.encode(text).ids)
  expect((await encoding).pieces.join('')).toBe(text)
  expect(pauses).toBeGreaterThan(2)
  const chat = { messages: [{ role: 'user', content: text }] }
  expect(await sliced.encodeChat(chat)).toEqual(whole.encodeChat(chat))
})

test('a text without spaces is cut all the same, and its work ends when nobody wants it any more', async () => {
  let pauses = 0
  const abort = new AbortController()
  const sliced = new SlicedTokenizer(async () => {
    if (++pauses === 10) abort.abort(new Error('left'))
  })
  const emoji = '👩🏽'.repeat(200_000)
  await expect(sliced.encode(emoji, {}, abort)).rejects.toThrow('left')
  expect(pauses).toBe(10)
  expect(await sliced.encode(emoji)).toEqual(new SimulatedTokenizer().encode(emoji))
})

test('a long list of ids is decoded with pauses, to exactly the same text, and no longer than at once', async () => {
  let pauses = 0
  const sliced = new SlicedTokenizer(async () => {
    pauses++
  })
  const { ids } = await sliced.encode(text)
  pauses = 0
  expect(await sliced.decode(ids)).toBe(text)
  expect(pauses).toBeGreaterThan(2)
  const [long] = sliced.encodeOutput('x'.repeat(1000)).ids
  await expect(sliced.decode(new Array<number>(100_000).fill(long!))).rejects.toThrow('longer than 16777216')
  const abort = new AbortController()
  const decoding = sliced.decode(ids, {}, abort)
  abort.abort(new Error('left'))
  await expect(decoding).rejects.toThrow('left')
})

test('a short prompt is there at once, one without a place to cut in one piece', async () => {
  const sliced = new SlicedTokenizer(async () => {})
  expect(sliced.encode('This is a test.')).toEqual(new SimulatedTokenizer().encode('This is a test.'))
  expect((await sliced.encode('x'.repeat(300_000))).pieces.length).toBe(1)
})
