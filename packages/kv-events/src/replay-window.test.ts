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
        expect(window.since(start).map(batch => batch.sequence)).toEqual(expected)
      },
    ),
  )
})

test('the largest number there is gives nothing', () => {
  const window = new ReplayWindow(2)
  window.add({ sequence: 0, payload: Buffer.alloc(0) })
  expect(window.since(Number(2n ** 64n - 1n))).toEqual([])
})
