import { expect, test } from 'vitest'
import { hashValue } from './hasher.ts'
import { Sha256CborHasher } from './sha256-hasher.ts'

const range = (from: number, to: number) => Array.from({ length: to - from + 1 }, (_, i) => from + i)
const values = (blocks: { count: number; words: Uint32Array }) =>
  Array.from({ length: blocks.count }, (_, i) => hashValue(blocks.words, i).toString())

// Expected values: Python's hashlib.sha256(cbor2.dumps((parent, tokens, extra), canonical=True)), cbor2 5.
test('chain from a seed', () => {
  const blocks = new Sha256CborHasher('42').hash({ tokenIds: range(1, 32) }, 16, { model: 'any' })
  expect(values(blocks)).toEqual(['16300212363532267629', '8671309795006503672'])
})

test('chain from 32 given bytes', () => {
  const tokenIds = [0, 23, 24, 255, 256, 65535, 65536, 4294967295]
  const blocks = new Sha256CborHasher(new Uint8Array(32).fill(7)).hash({ tokenIds }, 8, { model: 'any' })
  expect(values(blocks)).toEqual(['9593877845587638679'])
})

test('adapter, image position and salt are extra keys in this order', () => {
  const features = { mmHashes: { image: ['img'] }, mmPlaceholders: { image: [{ offset: 10, length: 12 }] } }
  const blocks = new Sha256CborHasher('0').hash({ tokenIds: range(1, 48), features }, 16, {
    model: 'lora1',
    lora: 'lora1',
    cacheSalt: 'salt',
  })
  expect(blocks.extraKeys).toEqual([['lora1', ['img', 10], 'salt'], ['lora1', ['img', -6]], ['lora1']])
  expect(values(blocks)).toEqual(['10904769641745643338', '4944626900656641303', '7168736403198266223'])
})
