import type { KvCacheEvent } from '@vllm-sim/core-engine'
import { expect, test } from 'vitest'
import { splitEvent, weigh } from './split.ts'

const hashes = Array.from({ length: 10 }, (_, i) => BigInt(i + 1))
const stored: KvCacheEvent = {
  type: 'BlockStored',
  hashes,
  parent: 99n,
  tokenIds: Uint32Array.from({ length: 20 }, (_, i) => i),
  blockSize: 2,
  loraId: 3,
  loraName: 'l',
  extraKeys: hashes.map(hash => [String(hash)]),
}

test('an event that is small enough stays as it is', () => {
  expect(splitEvent(stored, weigh(stored))).toEqual([stored])
  expect(splitEvent({ type: 'AllBlocksCleared' }, 0)).toEqual([{ type: 'AllBlocksCleared' }])
})

test('stored blocks become a chain of events', () => {
  const parts = splitEvent(stored, 4 * 19)
  expect(parts.map(part => 'hashes' in part && part.hashes)).toEqual([
    [1n, 2n, 3n, 4n],
    [5n, 6n, 7n, 8n],
    [9n, 10n],
  ])
  expect(parts.map(part => 'parent' in part && part.parent)).toEqual([99n, 4n, 8n])
  expect(parts[1]).toMatchObject({ tokenIds: [8, 9, 10, 11, 12, 13, 14, 15], loraId: 3, blockSize: 2 })
  expect(parts[2]).toMatchObject({ extraKeys: [['9'], ['10']], loraName: 'l' })
})

test('a block that is too large alone is an event of its own', () => {
  expect(splitEvent({ type: 'BlockRemoved', hashes }, 1).length).toBe(10)
})
