import fc from 'fast-check'
import { expect, test } from 'vitest'
import { ReplayWindow } from './replay-window.ts'

test('keeps the latest, in order, and answers from any number', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 10 }),
      fc.nat(40),
      fc.nat(3),
      fc.nat(60),
      (capacity, count, firstSequence, start) => {
        const window = new ReplayWindow(capacity)
        const all: number[] = []
        for (let i = 0; i < count; i++) {
          window.add({ sequence: firstSequence + i, payload: Buffer.alloc(0) })
          all.push(firstSequence + i)
        }
        const expected = all.slice(-capacity).filter(sequence => sequence >= start)
        const found: number[] = []
        for (let next = start, batch = window.from(next); batch; batch = window.from(next)) {
          found.push(batch.sequence)
          next = batch.sequence + 1
        }
        expect(found).toEqual(expected)
        expect(window.end).toBe(count === 0 ? 0 : firstSequence + count)
      },
    ),
  )
})

test('the largest number there is gives nothing', () => {
  const window = new ReplayWindow(2)
  window.add({ sequence: 0, payload: Buffer.alloc(0) })
  expect(window.from(Number(2n ** 64n - 1n))).toBeUndefined()
})

test('large batches are kept up to 64 MiB, and one however large', () => {
  const window = new ReplayWindow(1000)
  const mebibyte = Buffer.alloc(2 ** 20)
  for (let sequence = 0; sequence < 100; sequence++) window.add({ sequence, payload: mebibyte })
  expect([window.from(0)?.sequence, window.end]).toEqual([36, 100])
  window.add({ sequence: 100, payload: Buffer.alloc(65 * 2 ** 20) })
  expect(window.from(0)?.sequence).toBe(100)
})
