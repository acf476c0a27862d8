import fc from 'fast-check'
import { expect, test } from 'vitest'
import { DecodeError, decodeMsgpack, type MsgpackValue } from './msgpack-reader.ts'
import { MsgpackWriter } from './msgpack-writer.ts'

const hex = (write: (writer: MsgpackWriter) => void) => {
  const writer = new MsgpackWriter()
  write(writer)
  return writer.take().toString('hex')
}

test.each([
  [0, '00'],
  [127, '7f'],
  [128, 'cc80'],
  [255, 'ccff'],
  [256, 'cd0100'],
  [65536, 'ce00010000'],
  [4294967295, 'ceffffffff'],
  [4294967296, 'cf0000000100000000'],
  [-1, 'ff'],
  [-32, 'e0'],
  [-33, 'd0df'],
  [-128, 'd080'],
  [-129, 'd1ff7f'],
  [-32769, 'd2ffff7fff'],
  [-2147483649, 'd3ffffffff7fffffff'],
])('integer %d takes its shortest form and comes back', (value, expected) => {
  expect(hex(writer => writer.int(value))).toBe(expected)
  expect(decodeMsgpack(Buffer.from(expected, 'hex'))).toBe(value)
})

test('fixed widths stay, also for small numbers', () => {
  expect(hex(writer => writer.uint64(5n))).toBe('cf0000000000000005')
  expect(hex(writer => writer.uint32(1))).toBe('ce00000001')
  expect(hex(writer => writer.float64(1))).toBe('cb3ff0000000000000')
})

test.each([0, 15, 16, 31, 32, 255, 256, 65535, 65536])('text and lists of %d survive', size => {
  const text = 'é'.repeat(size)
  const writer = new MsgpackWriter()
  writer.array(2).text(text).array(size)
  for (let i = 0; i < size; i++) writer.int(i)
  expect(decodeMsgpack(writer.take())).toEqual([text, Array.from({ length: size }, (_, i) => i)])
})

test.each<[string, MsgpackValue]>([
  ['c2', false],
  ['c3', true],
  ['ca3fc00000', 1.5],
  ['c403010203', Buffer.from([1, 2, 3])],
  ['c50001ff', Buffer.from([255])],
  ['cfffffffffffffffff', 18446744073709551615n],
  ['d3ffffffffffffffff', -1],
  ['d60102030405', Buffer.from([2, 3, 4, 5])],
  ['c7020109ff', Buffer.from([9, 255])],
  [
    '82a16101a16202',
    new Map([
      ['a', 1],
      ['b', 2],
    ]),
  ],
  ['de0001a16107', new Map([['a', 7]])],
])('%s is read, though we never write it', (bytes, value) => {
  expect(decodeMsgpack(Buffer.from(bytes, 'hex'))).toEqual(value)
})

test.each([
  ['', '1 bytes expected at 0, 0 there'],
  ['c1', 'unknown type 0xc1 at 0'],
  ['0000', '1 bytes left over at 1'],
  ['ddffffffff', '1 bytes expected at 5, 0 there'],
  ['dbffffffff61', '4294967295 bytes expected at 5, 1 there'],
  ['91'.repeat(100), 'nested deeper than 64'],
])('%s is refused: %s', (bytes, message) => {
  expect(() => decodeMsgpack(Buffer.from(bytes, 'hex'))).toThrow(message)
})

test.each([
  ['an array', Buffer.from([0xdd, 0xff, 0xff, 0xff, 0xff])],
  ['a map', Buffer.from([0xdf, 0xff, 0xff, 0xff, 0xff])],
  ['a text', Buffer.from([0xdb, 0xff, 0xff, 0xff, 0xff])],
  ['bytes', Buffer.from([0xc6, 0xff, 0xff, 0xff, 0xff])],
  ['an extension', Buffer.from([0xc9, 0xff, 0xff, 0xff, 0xff, 0x01])],
])('%s that says it has 4 billion members, within itself and in a row, costs no more than its bytes', (_what, head) => {
  const before = process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed
  for (const count of [1, 2, 60, 10_000]) {
    expect(() => decodeMsgpack(Buffer.concat(Array.from({ length: count }, () => head)))).toThrow(DecodeError)
    const row = Buffer.concat([Buffer.from([0xdd, 0, 0, 0x27, 0x10]), ...Array.from({ length: count }, () => head)])
    expect(() => decodeMsgpack(row)).toThrow(DecodeError)
  }
  expect(process.memoryUsage().arrayBuffers + process.memoryUsage().heapUsed - before).toBeLessThan(64 * 2 ** 20)
})

test('any bytes are either read or refused', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 60 }), bytes => {
      try {
        decodeMsgpack(Buffer.from(bytes))
      } catch (error) {
        expect(error).toBeInstanceOf(DecodeError)
      }
    }),
    { numRuns: 2000 },
  )
})
