import { describe, expect, test } from 'vitest'
import type { KvCacheEvent } from '../events.ts'
import { type Allocation, BlockPool } from './block-pool.ts'
import { FnvHasher } from './fnv-hasher.ts'
import type { PromptBlocks } from './hasher.ts'

/** Blocks with plain numbers for hashes and one token each. */
function plain(hashes: number[], model = 'base'): PromptBlocks {
  const words = new Uint32Array(hashes.flatMap(hash => [hash, 0]))
  const rest = { extraKeys: undefined, end: { low: 0, high: 0 }, restKeys: undefined }
  return { model, count: hashes.length, words, tokenIds: hashes, ...rest }
}

function setUp(size: number, isLoaded?: (model: string) => boolean) {
  const events: KvCacheEvent[] = []
  const pool = new BlockPool({ size, blockSize: 1, hasher: new FnvHasher(), emit: e => events.push(e), isLoaded })
  const take = <T extends KvCacheEvent['type']>(type: T) =>
    events.flatMap(event => (event.type === type && 'hashes' in event ? event.hashes.map(Number) : []))
  return {
    pool,
    events,
    start: (hashes: number[], model?: string) => pool.allocate(plain(hashes, model)),
    stored: () => take('BlockStored'),
    removed: () => take('BlockRemoved'),
    references: (hash: number) => [...pool.blocks()].find(block => block.hash === BigInt(hash))?.references,
    unused: () => pool.cachedBlocks - pool.referencedBlocks,
  }
}

describe('what llm-d-inference-sim does', () => {
  test('size 3: one request', () => {
    const { pool, start, stored, removed, unused } = setUp(3)
    const r1 = start([1, 2])
    expect([pool.cachedBlocks, unused()]).toEqual([2, 0])
    pool.free(r1)
    expect([pool.cachedBlocks, unused()]).toEqual([2, 2])
    expect([stored(), removed()]).toEqual([[1, 2], []])
  })

  test('size 5: two requests', () => {
    const { pool, start, unused } = setUp(5)
    const [r1, r2] = [start([1, 2]), start([3, 4])]
    expect(pool.cachedBlocks).toBe(4)
    pool.free(r1)
    expect(unused()).toBe(2)
    pool.free(r2)
    expect(unused()).toBe(4)
  })

  test('size 5: a shared block', () => {
    const { pool, start, stored, references, unused } = setUp(5)
    const r1 = start([1, 2])
    const r2 = start([1, 3])
    expect(r2.hits).toBe(1)
    expect(references(1)).toBe(2)
    pool.free(r1)
    expect(references(1)).toBe(1)
    expect([pool.cachedBlocks, unused()]).toEqual([3, 1])
    expect(stored()).toEqual([1, 2, 3])
  })

  test('size 4: the released request makes room', () => {
    const { pool, start, stored, removed, references } = setUp(4)
    start([1, 2])
    pool.free(start([3, 4]))
    start([5, 6])
    expect(removed().sort()).toEqual([3, 4])
    expect(references(5)).toBe(1)
    expect(stored()).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('size 4: no room changes nothing', () => {
    const { pool, start, events } = setUp(4)
    start([1, 2])
    start([3, 4])
    const before = [[...pool.blocks()], events.length]
    expect(pool.canAllocate(plain([5, 6]))).toBe(false)
    expect(pool.neverFits(plain([5, 6]))).toBe(false)
    expect(() => start([5, 6])).toThrow('no room for 2 KV blocks: 4 of 4 are in use')
    expect([[...pool.blocks()], events.length]).toEqual(before)
  })

  test('size 4: waiting until two have finished', () => {
    const { pool, start, stored, removed } = setUp(4)
    const r1 = start([1, 2])
    const r2 = start([3, 4])
    const r3 = start([1, 3])
    expect(r3.hits).toBe(2)
    expect(pool.canAllocate(plain([5, 6]))).toBe(false)
    pool.free(r1)
    expect(pool.canAllocate(plain([5, 6]))).toBe(false)
    pool.free(r2)
    expect(pool.canAllocate(plain([5, 6]))).toBe(true)
    start([5, 6])
    expect(removed()).toEqual([2, 4])
    expect(stored()).toEqual([1, 2, 3, 4, 5, 6])
  })

  test('size 10: what is cached is not stored again, the parent is the last cached block', () => {
    const { pool, start, events } = setUp(10)
    pool.free(start([1, 2, 3]))
    expect(start([1, 2, 3, 4]).hits).toBe(3)
    expect(events).toMatchObject([
      { type: 'BlockStored', hashes: [1n, 2n, 3n], parent: undefined },
      { type: 'BlockStored', hashes: [4n], parent: 3n },
    ])
  })

  test('size 10: models do not share blocks', () => {
    const { pool, start } = setUp(10)
    start([1, 2], 'A')
    expect(start([1, 2], 'B').hits).toBe(0)
    expect(pool.cachedBlocks).toBe(4)
  })

  test('size 4: blocks of an adapter that is not loaded go first', () => {
    const { pool, start, removed } = setUp(4, model => model !== 'lora2')
    const [r1, r2] = [start([10, 20], 'lora1'), start([30, 40], 'lora2')]
    pool.free(r1)
    pool.free(r2)
    start([50], 'lora1')
    expect(removed()).toEqual([40])
    expect([...pool.blocks()].filter(block => block.model === 'lora1').length).toBe(3)
  })

  test('size 3: of loaded models exactly as many as needed', () => {
    const { pool, start, removed } = setUp(3)
    pool.free(start([1, 2, 3]))
    start([4])
    expect(removed()).toEqual([3])
  })
})

test('the deepest block of the request released first goes first', () => {
  const { pool, start, removed } = setUp(6)
  const [a, b] = [start([1, 2, 3]), start([4, 5, 6])]
  pool.free(b)
  pool.free(a)
  start([7, 8, 9, 10])
  expect(removed()).toEqual([6, 5, 4, 3])
})

test('using a block again makes it the latest', () => {
  const { pool, start, removed } = setUp(4)
  pool.free(start([1, 2]))
  pool.free(start([3, 4]))
  pool.free(start([1]))
  start([5, 6, 7])
  expect(removed()).toEqual([2, 4, 3])
})

test('of several unloaded models the block released first goes first, and all of them before the loaded', () => {
  const { pool, start, removed } = setUp(6, model => model === 'base')
  const held = [start([1]), start([2], 'x'), start([3], 'y'), start([4], 'x'), start([5], 'y')]
  for (const i of [0, 2, 1, 4, 3]) pool.free(held[i]!)
  start([6, 7, 8, 9, 10, 11])
  expect(removed()).toEqual([3, 2, 5, 4, 1])
})

test('a cached block behind a gap is used again but is no hit; each run of new blocks is an event', () => {
  const { pool, start, events } = setUp(10)
  start([2, 4])
  events.length = 0
  const r = start([1, 2, 3, 4, 5])
  expect(r.hits).toBe(0)
  expect(events).toMatchObject([
    { hashes: [1n], parent: undefined },
    { hashes: [3n], parent: 2n },
    { hashes: [5n], parent: 4n },
  ])
  pool.free(r)
  expect(pool.referencedBlocks).toBe(2)
})

test('a block that occurs twice in one prompt is stored once', () => {
  const { pool, start, stored } = setUp(4)
  const r = start([1, 1, 2])
  expect(stored()).toEqual([1, 2])
  expect(pool.referencedBlocks).toBe(2)
  pool.free(r)
  expect(pool.referencedBlocks).toBe(0)
})

test('the event says which tokens, adapter and extra keys the new blocks have, and only theirs', () => {
  const events: KvCacheEvent[] = []
  const pool = new BlockPool({ size: 9, blockSize: 2, hasher: new FnvHasher(), emit: e => events.push(e) })
  const image = { mmHashes: { image: ['pic'] }, mmPlaceholders: { image: [{ offset: 2, length: 2 }] } }
  pool.allocate(pool.hash({ tokenIds: [1, 2] }, 'lora', 'lora'), { id: 3, name: 'lora' })
  pool.allocate(pool.hash({ tokenIds: [1, 2, 7, 7, 5], features: image }, 'lora', 'lora'), { id: 3, name: 'lora' })
  expect(events[1]).toMatchObject({ blockSize: 2, loraId: 3, loraName: 'lora', extraKeys: [['pic']] })
  const [first, second] = events.filter(event => event.type === 'BlockStored')
  expect(second!.parent).toBe(first!.hashes[0])
  expect([...(second!.tokenIds as Uint32Array)]).toEqual([7, 7])
})

test('salted and unsalted requests do not share', () => {
  const pool = new BlockPool({ size: 9, blockSize: 2, hasher: new FnvHasher() })
  const prompt = { tokenIds: [1, 2, 3, 4] }
  pool.allocate(pool.hash(prompt, 'm'))
  expect(pool.allocate(pool.hash(prompt, 'm', undefined, 'pepper')).hits).toBe(0)
  expect(pool.allocate(pool.hash(prompt, 'm', undefined, 'pepper'))).toMatchObject({ hits: 2, cachedTokens: 4 })
})

test('freeing twice counts once', () => {
  const { pool, start } = setUp(4)
  const [a] = [start([1]), start([1])]
  pool.free(a)
  pool.free(a)
  expect(pool.referencedBlocks).toBe(1)
})

test('what ran across a sleep finishes silently', () => {
  const { pool, start, events, references } = setUp(4)
  const before = start([1, 2])
  pool.clear()
  pool.disabled = true
  expect(pool.usage).toBe(0)
  const asleep = start([1, 2, 3, 4, 5])
  expect(asleep).toMatchObject({ hits: 0, cachedTokens: 0 })
  expect([pool.canAllocate(plain([1, 2, 3, 4, 5])), pool.neverFits(plain([1, 2, 3, 4, 5]))]).toEqual([true, false])
  pool.disabled = false
  start([1, 2])
  pool.free(before)
  pool.free(asleep)
  expect([references(1), references(2)]).toEqual([1, 1])
  expect(events.map(event => event.type)).toEqual(['BlockStored', 'AllBlocksCleared', 'BlockStored'])
})

test('a reset is refused while blocks are in use', () => {
  const { pool, start, events } = setUp(4)
  const r = start([1])
  expect(pool.reset()).toBe(false)
  pool.free(r)
  expect(pool.reset()).toBe(true)
  expect(pool.cachedBlocks).toBe(0)
  expect(events.map(event => event.type)).toEqual(['BlockStored', 'AllBlocksCleared'])
})

test('usage is the share of blocks in use: three prompts of which two share a block', () => {
  const { pool, start } = setUp(16)
  const held = [start([1]), start([1]), start([2])]
  expect(pool.usage).toBe(0.125)
  for (const allocation of held) pool.free(allocation)
  expect(pool.usage).toBe(0)
})

test('a pool without blocks serves prompts shorter than a block', () => {
  const { pool, start } = setUp(0)
  pool.free(start([]))
  expect(pool.usage).toBe(0)
  expect(pool.neverFits(plain([1]))).toBe(true)
})

test('nonsense sizes are refused', () => {
  const hasher = new FnvHasher()
  expect(() => new BlockPool({ size: -1, blockSize: 16, hasher })).toThrow('the size of a block pool')
  expect(() => new BlockPool({ size: 1, blockSize: 0, hasher })).toThrow('a block must have')
})

test('a pool of ten million blocks takes room for what is cached', () => {
  const before = process.memoryUsage()
  const pool = new BlockPool({ size: 10_000_000, blockSize: 1, hasher: new FnvHasher() })
  const held: Allocation[] = []
  for (let i = 0; i < 100; i++) held.push(pool.allocate(plain(Array.from({ length: 100 }, (_, j) => i * 100 + j))))
  const after = process.memoryUsage()
  expect(after.arrayBuffers - before.arrayBuffers).toBeLessThan(10_000 * 200)
  expect(pool.cachedBlocks).toBe(10_000)
})
