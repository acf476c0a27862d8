import { describe, expect, it } from 'vitest'
import { PieceMemory } from './piece-memory.ts'

describe('PieceMemory', () => {
  it('finds thousands of pieces again', () => {
    const memory = new PieceMemory()
    const id = (index: number) => Math.imul(index, 0x9e3779b1) >>> 0
    for (let index = 0; index < 20_000; index++) memory.remember(id(index), `piece ${index}`)
    for (let index = 0; index < 20_000; index++) expect(memory.get(id(index))).toBe(`piece ${index}`)
    expect(memory.get(12345)).toBeUndefined()
  })

  it('stays bounded: when a place is full, one entry leaves', () => {
    const memory = new PieceMemory()
    const ids = [1, 2, 3, 4, 5].map(index => index << 16)
    for (const id of ids) memory.remember(id, String(id))
    expect(ids.filter(id => memory.get(id) === String(id))).toHaveLength(4)
    expect(memory.get(ids[4]!)).toBe(String(ids[4]))
  })

  it('keeps long pieces, up to a sum of characters', () => {
    const memory = new PieceMemory()
    const long = 'x'.repeat(1_500_000)
    for (let id = 0; id < 4; id++) memory.remember(id, long)
    expect([0, 1, 2, 3].map(id => memory.get(id) !== undefined)).toEqual([false, false, true, true])
    memory.remember(9, 'y'.repeat(5_000_000))
    expect(memory.get(9)).toBeUndefined()
  })
})
