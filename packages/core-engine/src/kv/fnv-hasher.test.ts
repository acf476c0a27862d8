import fc from 'fast-check'
import { expect, test } from 'vitest'
import { FnvHasher } from './fnv-hasher.ts'
import { hashValue } from './hasher.ts'

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)

function hashes(hasher: FnvHasher, model: string, blockSize: number, tokenIds: ArrayLike<number>, more: object = {}) {
  const blocks = hasher.hash({ tokenIds, ...more }, blockSize, { model, ...more })
  return Array.from({ length: blocks.count }, (_, i) => hashValue(blocks.words, i).toString())
}

// The vectors V1 to V5 were made with the Go implementation.
test('V1: two blocks of text', () => {
  expect(hashes(new FnvHasher(''), 'test-model', 16, range(1, 32))).toEqual([
    '9540012594951042066',
    '16921089685996993662',
  ])
})

test('V2: with a seed; the token that fills no block is dropped', () => {
  const tokens = [0, 23, 24, 255, 256, 65535, 65536, 151643, 1, 2, 3, 4, 5, 6, 7, 8, 9]
  expect(hashes(new FnvHasher('42'), 'Qwen/Qwen2.5-1.5B-Instruct', 8, tokens)).toEqual([
    '556996586217303795',
    '3014230869781648465',
  ])
})

test('V3: an adapter has hashes of its own', () => {
  expect(hashes(new FnvHasher(''), 'lora1', 16, range(1, 16), { lora: 'lora1' })).toEqual(['10086124571020399255'])
})

test('V4: images', () => {
  const features = {
    mmHashes: { image: ['image_hash_A', 'hash_B', 'hash_C'] },
    mmPlaceholders: {
      image: [
        { offset: 2, length: 5 },
        { offset: 33, length: 4 },
        { offset: 40, length: 8 },
      ],
    },
  }
  const blocks = new FnvHasher('test').hash({ tokenIds: range(1, 48), features }, 16, { model: 'model' })
  expect([0, 1, 2].map(i => hashValue(blocks.words, i).toString())).toEqual([
    '11252023634330866715',
    '5601623118603709304',
    '623680549774224936',
  ])
  expect(blocks.extraKeys).toEqual([['image_hash_A'], undefined, ['hash_B', 'hash_C']])
})

test('V5: every width of token id', () => {
  const tokens = Uint32Array.of(4294967295, 0, 1, 127, 128, 1000, 100000, 2147483648)
  expect(hashes(new FnvHasher('0'), 'm', 8, tokens)).toEqual(['17296698292308437330'])
})

test('less than a block makes no block', () => {
  expect(hashes(new FnvHasher(), 'm', 16, range(1, 15))).toEqual([])
})

test('a salt separates, equal salts do not, and the empty one is none', () => {
  const hasher = new FnvHasher()
  const of = (cacheSalt?: string) => hashes(hasher, 'm', 8, range(1, 24), { cacheSalt })
  const all = [of(), of('a'), of('b')]
  expect(new Set(all.flat()).size).toBe(9)
  expect(of('a')).toEqual(of('a'))
  expect(of('')).toEqual(of())
  const salted = hasher.hash({ tokenIds: range(1, 24) }, 8, { model: 'm', cacheSalt: 'a' })
  expect(salted.extraKeys).toEqual([['a'], undefined, undefined])
})

test('many models do not mix up', () => {
  const hasher = new FnvHasher()
  const first = hashes(hasher, 'model-0', 8, range(1, 8))
  const all = range(0, 2999).map(i => hashes(hasher, `model-${i}`, 8, range(1, 8))[0])
  expect(new Set(all).size).toBe(3000)
  expect(hashes(hasher, 'model-0', 8, range(1, 8))).toEqual(first)
})

test('two prompts share hashes exactly as far as their tokens agree', () => {
  const hasher = new FnvHasher()
  const tokens = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 64 })
  fc.assert(
    fc.property(tokens, tokens, (a, b) => {
      let common = 0
      while (common < Math.min(a.length, b.length) && a[common] === b[common]) common++
      const [x, y] = [hashes(hasher, 'm', 8, a), hashes(hasher, 'm', 8, b)]
      for (let i = 0; i < Math.min(x.length, y.length); i++) expect(x[i] === y[i]).toBe((i + 1) * 8 <= common)
    }),
  )
})
