import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fnv1a64 } from './fnv.ts'

function ours(bytes: Uint8Array): bigint {
  const out = { low: 0, high: 0 }
  fnv1a64(bytes, bytes.length, out)
  return (BigInt(out.high) << 32n) | BigInt(out.low)
}

function textbook(bytes: Uint8Array): bigint {
  let hash = 0xcbf29ce484222325n
  for (const byte of bytes) hash = BigInt.asUintN(64, (hash ^ BigInt(byte)) * 0x100000001b3n)
  return hash
}

test('published values', () => {
  expect(ours(Buffer.from(''))).toBe(0xcbf29ce484222325n)
  expect(ours(Buffer.from('a'))).toBe(0xaf63dc4c8601ec8cn)
  expect(ours(Buffer.from('foobar'))).toBe(0x85944171f73967e8n)
})

test('agrees with the definition on any bytes', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), bytes => ours(bytes) === textbook(bytes)))
})
