import fc from 'fast-check'
import { expect, test } from 'vitest'
import { frame, MessageReader, messagesOf } from './frame.ts'

test('a message is read from pieces of any size', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 300 }), fc.array(fc.integer({ min: 1, max: 40 })), (message, sizes) => {
      const reader = new MessageReader(300)
      let rest = Buffer.from(frame(message))
      for (const size of [...sizes, rest.length + 1]) {
        if (rest.length > 0) expect(reader.push(rest.subarray(0, size))).toBeUndefined()
        rest = rest.subarray(size)
      }
      expect(new Uint8Array(reader.end() as Buffer)).toEqual(message)
    }),
  )
})

test('what is not one message within the limit is told', () => {
  const push = (...bytes: number[]) => new MessageReader(4).push(Buffer.from(bytes))
  expect(push(1, 0, 0, 0, 0)).toBe('compressed')
  expect(push(0, 0, 0, 0, 5)).toBe('too large')
  expect(push(0, 0xff, 0xff, 0xff, 0xff)).toBe('too large')
  expect(push(0, 0, 0, 0, 1, 7, 0)).toBe('more than one message')
  const reader = new MessageReader(4)
  expect(reader.push(Buffer.from([0, 0, 0, 0, 2, 1]))).toBeUndefined()
  expect(reader.end()).toBe('incomplete')
})

test('frames that stand one after the other are taken apart', () => {
  const bytes = Buffer.concat([frame(Buffer.from('ab')), frame(Buffer.alloc(0)), frame(Buffer.from('c'))])
  expect([...messagesOf(bytes)].map(message => Buffer.from(message).toString())).toEqual(['ab', '', 'c'])
})
