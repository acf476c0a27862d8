import fc from 'fast-check'
import { expect, test, vi } from 'vitest'
import { decodeStored, encodeStored } from './stored.ts'

const hello = { ids: [9707, 3738, 0], pieces: ['Hello', ' human', '!'] }

test.each([
  ['{"Tokens":[9707,3738,0],"Strings":["Hello"," human","!"]}'],
  ['{"tokens":[9707,3738,0],"strings":["Hello"," human","!"]}'],
  ['{"strings":["Hello"," human","!"],"numbers":[9707,3738,0],"more":1}'],
])('%s is read from text and from bytes', json => {
  expect(decodeStored(json)).toEqual(hello)
  expect(decodeStored(new TextEncoder().encode(json))).toEqual(hello)
})

test('rows without ids get those of the simulated tokenizer, or the ones that the caller makes', () => {
  const onIncomplete = vi.fn()
  expect(decodeStored('["Hello ","world","!"]', { onIncomplete })).toEqual({
    ids: [2871118705, 933488787, 604802540],
    pieces: ['Hello ', 'world', '!'],
  })
  expect(onIncomplete).toHaveBeenCalledOnce()
  expect(decodeStored('{"Tokens":null,"Strings":["ab","c"]}', { pieceId: piece => piece.length }).ids).toEqual([2, 1])
})

test('different numbers of ids and strings lose no text', () => {
  expect(decodeStored('{"Tokens":[1,2],"Strings":["a","b","c"]}').pieces).toEqual(['a', 'bc'])
  expect(decodeStored('{"Tokens":[1,2,3],"Strings":["a"]}').pieces).toEqual(['a', '', ''])
  expect(decodeStored('{"Tokens":[1]}')).toEqual({ ids: [1], pieces: [''] })
})

test.each([
  ['{"Tokens":[1', /^failed to unmarshal tokens JSON: /],
  ['{"Tokens":[-1],"Strings":["a"]}', /-1 is not a token id/],
  ['{"Tokens":[1.5],"Strings":["a"]}', /1.5 is not a token id/],
  ['{"Tokens":[4294967296],"Strings":["a"]}', /4294967296 is not a token id/],
  ['{"Tokens":"1","Strings":["a"]}', /token ids are not an array/],
  ['{"Tokens":[1],"Strings":[null]}', /null is not a string/],
  ['{"Tokens":[1],"Strings":{}}', /strings are not an array/],
  ['null', /expected an object/],
  ['7', /expected an object/],
])('%s is refused', (json, message) => {
  expect(() => decodeStored(json)).toThrow(message)
})

test('is written as Go writes it', () => {
  expect(encodeStored({ ids: [1, 2], pieces: ['<a> & "b"\u2028', '\n\ud800'] }).toString()).toBe(
    '{"Tokens":[1,2],"Strings":["\\u003ca\\u003e \\u0026 \\"b\\"\\u2028","\\n\ufffd"]}',
  )
})

test('what is written is read back', () => {
  const token = fc.record({ id: fc.integer({ min: 0, max: 0xffffffff }), piece: fc.string({ unit: 'grapheme' }) })
  fc.assert(
    fc.property(fc.array(token), tokens => {
      const answer = { ids: tokens.map(({ id }) => id), pieces: tokens.map(({ piece }) => piece) }
      expect(decodeStored(encodeStored(answer))).toEqual(answer)
    }),
  )
})
