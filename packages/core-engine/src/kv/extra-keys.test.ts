import { expect, test } from 'vitest'
import { extraKeys, mediaItems } from './extra-keys.ts'

const at = (offset: number, length: number) => ({ offset, length })
const keys = (features: Parameters<typeof mediaItems>[0], count = 4) =>
  extraKeys(count, 16, features, item => item.hash, undefined, undefined)

test('items are ordered by position, equal positions by modality and as listed', () => {
  const features = {
    mmHashes: { video: ['v'], image: ['late', 'i1', 'i2'] },
    mmPlaceholders: { video: [at(5, 2)], image: [at(20, 2), at(5, 1), at(5, 3)] },
  }
  expect(mediaItems(features).map(item => item.hash)).toEqual(['i1', 'i2', 'v', 'late'])
})

test('the shorter of hashes and ranges decides; a modality without ranges is ignored', () => {
  const features = { mmHashes: { image: ['a', 'b'], audio: ['c'] }, mmPlaceholders: { image: [at(0, 4)] } }
  expect(keys(features)).toEqual([['a'], undefined, undefined, undefined])
})

test('an item is in every block that it overlaps, and in no other', () => {
  const one = (offset: number, length: number) =>
    keys({ mmHashes: { image: ['a'] }, mmPlaceholders: { image: [at(offset, length)] } })?.map(k => (k ? 1 : 0))
  expect(one(15, 2)).toEqual([1, 1, 0, 0])
  expect(one(16, 16)).toEqual([0, 1, 0, 0])
  expect(one(10, 1000)).toEqual([1, 1, 1, 1])
  expect(one(5, 0)).toEqual([1, 0, 0, 0])
  expect(one(16, 0)).toBeUndefined()
  expect(one(64, 8)).toBeUndefined()
})

test('a prompt without blocks has no keys', () => {
  expect(extraKeys(0, 16, undefined, item => item.hash, 'lora', 'salt')).toBeUndefined()
})
