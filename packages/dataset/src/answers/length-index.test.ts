import fc from 'fast-check'
import { expect, test } from 'vitest'
import { LengthIndex } from './length-index.ts'

function build(lengths: number[], firstRow = 1): { index: LengthIndex; rows: { row: number; length: number }[] } {
  const rows = lengths.map((length, i) => ({ row: firstRow + i, length })).sort((a, b) => a.length - b.length)
  const groups = [...new Set(rows.map(row => row.length))].map(length => ({
    length,
    count: rows.filter(row => row.length === length).length,
  }))
  return {
    index: new LengthIndex(
      groups,
      rows.map(({ row }) => row),
    ),
    rows,
  }
}

test('counts and finds as a plain search does, also with row ids beyond 32 bits', () => {
  const lengths = fc.array(fc.integer({ min: 0, max: 30 }))
  fc.assert(
    fc.property(lengths, fc.integer({ min: -2, max: 32 }), fc.constantFrom(1, 2 ** 33), (all, limit, firstRow) => {
      const { index, rows } = build(all, firstRow)
      expect(index.size).toBe(all.length)
      expect(index.countUpTo(limit)).toBe(all.filter(length => length <= limit).length)
      expect(rows.map((_, position) => index.rowAt(position))).toEqual(rows.map(({ row }) => row))
    }),
  )
})

test('a file that changed between the two reads is noticed', () => {
  expect(() => new LengthIndex([{ length: 3, count: 2 }], [1])).toThrow('2 rows were counted, 1 were read')
})
