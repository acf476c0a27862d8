import { expect, test } from 'vitest'
import { CborWriter } from './cbor.ts'

const hex = (write: (cbor: CborWriter) => void) => {
  const cbor = new CborWriter()
  write(cbor)
  return Buffer.from(cbor.bytes).toString('hex')
}

test.each([
  [0, '00'],
  [23, '17'],
  [24, '1818'],
  [255, '18ff'],
  [256, '190100'],
  [65535, '19ffff'],
  [65536, '1a00010000'],
  [4294967295, '1affffffff'],
  [4294967296, '1b0000000100000000'],
  [-1, '20'],
  [-24, '37'],
  [-25, '3818'],
  [-500, '3901f3'],
])('integer %d takes its shortest form', (value, expected) => {
  expect(hex(cbor => cbor.int(value))).toBe(expected)
})

test('a 64-bit integer from its halves takes its shortest form too', () => {
  expect(hex(cbor => cbor.uint64(5, 0))).toBe('05')
  expect(hex(cbor => cbor.uint64(0xffffffff, 0))).toBe('1affffffff')
  expect(hex(cbor => cbor.uint64(0x84222325, 0xcbf29ce4))).toBe('1bcbf29ce484222325')
})

test('strings count UTF-8 bytes', () => {
  expect(hex(cbor => cbor.text(''))).toBe('60')
  expect(hex(cbor => cbor.text('é'))).toBe('62c3a9')
  expect(hex(cbor => cbor.text('a'.repeat(24)))).toBe(`7818${'61'.repeat(24)}`)
  expect(hex(cbor => cbor.text('\ud800'))).toBe('63efbfbd')
  expect(hex(cbor => cbor.byteString(Uint8Array.of(1, 255)))).toBe('4201ff')
})

test('grows with what is written, also in the middle of an item, and starts over at reset', () => {
  const cbor = new CborWriter()
  cbor.text('x'.repeat(5000)).uints(new Uint32Array(3000).fill(0xffffffff), 0, 3000)
  const first = Buffer.from(cbor.bytes).toString('hex')
  expect(first).toBe(`791388${'78'.repeat(5000)}990bb8${'1affffffff'.repeat(3000)}`)
  expect(Buffer.from(cbor.reset().nil().bytes).toString('hex')).toBe('f6')
})
