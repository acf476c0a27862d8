import { hash } from 'node:crypto'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { idSource } from './ids.ts'

test('the first ids of seed 42 and port 8000', () => {
  const next = idSource(42, 8000)
  expect([next(), next(), next()]).toEqual([
    'cda04074-6efd-5c7c-a13c-725a8b68df45',
    'e4059423-e80a-5ae9-907a-9bcb0ef160bc',
    'ad9b59b1-5511-5fb1-b834-4b254ec71bd9',
  ])
})

test('ids are UUIDs of version 5 over seed, port and counter, short and long', () => {
  const namespace = Buffer.from('6ba7b8119dad11d180b400c04fd430c8', 'hex')
  fc.assert(
    fc.property(fc.bigInt({ min: -(10n ** 60n), max: 10n ** 60n }), fc.nat(65535), (seed, port) => {
      const next = idSource(seed, port)
      for (let counter = 0; counter < 12; counter++) {
        const name = Buffer.from(`${seed}-${port}-${counter}`)
        const bytes = hash('sha1', Buffer.concat([namespace, name]), 'buffer')
        bytes[6] = (bytes[6]! & 0x0f) | 0x50
        bytes[8] = (bytes[8]! & 0x3f) | 0x80
        const id = next()
        expect(id.replaceAll('-', '')).toBe(bytes.toString('hex').slice(0, 32))
        expect(id).toMatch(/^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/)
      }
    }),
  )
})
