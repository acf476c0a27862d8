import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { promptHash } from './prompt-hash.ts'
import { prompts } from './testing/fixtures.ts'

test.each([
  [prompts.helloWorld, '90db35b48bf168f20fa36537861e1d64fac6af372267aec9d10437a3f83f8bec'],
  [prompts.oneToTen, '73205d2e432e6b117e0b75cdddeac019ee863f4b524f75bf57c15c5a47a445e4'],
  [prompts.helloWorldAgain, '737678c126001f1aecfdfef8c8403c235c5f17c78851af467a597f057fc14dfc'],
  [prompts.helloWorldChat, '83b8d347e654a75bc348fdb89c011904ac8bac9018822c095d7ab221b5c92c6a'],
  [[2871118705, 933488787, 604802540], 'a0ca83f59d3a35d2d2d91a897001017adecf057e105c832014ced6a069335c31'],
  [[], 'e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855'],
  [[1], '67abdd721024f0ff4e0b3f4c2fc13bc5bad42d0b7851d456d88d203d15aaa450'],
  [[4294967295], 'ad95131bc0b799c0b1af477fb14fcf26a6a9f76079e48bf090acb7e8367bfd0e'],
])('ids %j hash as the reference does', (ids, hex) => {
  expect(promptHash(ids).toString('hex')).toBe(hex)
})

test('base64 of the first two vectors', () => {
  expect(promptHash(prompts.helloWorld).toString('base64')).toBe('kNs1tIvxaPIPo2U3hh4dZPrGrzciZ67J0QQ3o/g/i+w=')
  expect(promptHash(prompts.oneToTen).toString('base64')).toBe('cyBdLkMuaxF+C3XN3erAGe6GP0tST3W/V8FcWkekReQ=')
})

test('a list, a typed array and a part of a typed array hash alike: SHA-256 over four bytes each, the lowest first', () => {
  fc.assert(
    fc.property(fc.array(fc.integer({ min: 0, max: 0xffffffff })), ids => {
      const view = new DataView(new ArrayBuffer(ids.length * 4))
      ids.forEach((id, index) => {
        view.setUint32(index * 4, id, true)
      })
      const expected = createHash('sha256').update(view).digest('hex')
      expect(promptHash(ids).toString('hex')).toBe(expected)
      expect(promptHash(Uint32Array.from(ids)).toString('hex')).toBe(expected)
      expect(promptHash(Uint32Array.from([7, ...ids, 7]).subarray(1, ids.length + 1)).toString('hex')).toBe(expected)
    }),
  )
})
