import fc from 'fast-check'
import { expect, test } from 'vitest'
import type { KvCacheEvent } from '../events.ts'
import { type Allocation, BlockPool } from './block-pool.ts'
import { FnvHasher } from './fnv-hasher.ts'
import { hashValue, type PromptBlocks } from './hasher.ts'

type Step = { do: 'start'; prompt: number[]; model: number } | { do: 'finish'; which: number } | { do: 'clear' }

// Few tokens and small blocks, so that prompts share prefixes, and pools so small that they overflow.
const step: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 10,
    arbitrary: fc.record({
      do: fc.constant('start' as const),
      prompt: fc.array(fc.integer({ min: 0, max: 2 }), { maxLength: 14 }),
      model: fc.integer({ min: 0, max: 2 }),
    }),
  },
  { weight: 8, arbitrary: fc.record({ do: fc.constant('finish' as const), which: fc.nat() }) },
  { weight: 1, arbitrary: fc.constant({ do: 'clear' as const }) },
)
const models = ['base', 'lora-a', 'lora-b']

/** What anyone can learn from the events: the hashes that are cached. Fails on a second store or an unknown removal. */
class Index {
  readonly hashes = new Set<bigint>()

  hear(event: KvCacheEvent): void {
    if (event.type === 'AllBlocksCleared') this.hashes.clear()
    else if (event.type === 'BlockRemoved') for (const hash of event.hashes) expect(this.hashes.delete(hash)).toBe(true)
    else {
      if (event.parent !== undefined) expect(this.hashes.has(event.parent)).toBe(true)
      expect(event.tokenIds.length).toBe(event.hashes.length * event.blockSize)
      for (const hash of event.hashes) {
        expect(this.hashes.has(hash)).toBe(false)
        this.hashes.add(hash)
      }
    }
  }
}

test('random lives of requests keep every invariant', () => {
  fc.assert(
    fc.property(fc.integer({ min: 0, max: 12 }), fc.array(step, { maxLength: 60 }), (size, steps) => {
      const index = new Index()
      const isLoaded = (model: string) => model !== 'lora-b'
      const pool = new BlockPool({ size, blockSize: 2, hasher: new FnvHasher(), emit: e => index.hear(e), isLoaded })
      const running: { blocks: PromptBlocks; allocation: Allocation; epoch: number }[] = []
      const parents = new Map<bigint, bigint | undefined>()
      let epoch = 0
      for (const action of steps) {
        if (action.do === 'start') {
          const blocks = pool.hash({ tokenIds: action.prompt }, models[action.model]!)
          for (let i = 0; i < blocks.count; i++)
            parents.set(hashValue(blocks.words, i), i > 0 ? hashValue(blocks.words, i - 1) : undefined)
          if (pool.canAllocate(blocks)) {
            let cached = 0
            while (cached < blocks.count && index.hashes.has(hashValue(blocks.words, cached))) cached++
            const allocation = pool.allocate(blocks)
            expect(allocation.hits).toBe(cached)
            running.push({ blocks, allocation, epoch })
          } else expect(blocks.count === 0).toBe(false)
          if (pool.neverFits(blocks)) expect(pool.canAllocate(blocks)).toBe(false)
        } else if (action.do === 'finish') {
          const [done] = running.length > 0 ? running.splice(action.which % running.length, 1) : []
          if (done) pool.free(done.allocation)
        } else {
          pool.clear()
          epoch++
        }
        check(
          pool,
          index,
          running.filter(r => r.epoch === epoch).map(r => r.blocks),
          parents,
        )
      }
      for (const { allocation } of running) pool.free(allocation)
      for (const block of pool.blocks()) expect(block.references).toBe(0)
      expect([pool.referencedBlocks, pool.usage]).toEqual([0, 0])
      expect(pool.reset()).toBe(true)
      expect(index.hashes.size).toBe(0)
    }),
    { numRuns: 300 },
  )
})

function check(pool: BlockPool, index: Index, held: PromptBlocks[], parents: Map<bigint, bigint | undefined>): void {
  const users = new Map<bigint, number>()
  for (const blocks of held) {
    for (let i = 0; i < blocks.count; i++) {
      const hash = hashValue(blocks.words, i)
      users.set(hash, (users.get(hash) ?? 0) + 1)
    }
  }
  const content = [...pool.blocks()]
  expect(content.length).toBe(pool.cachedBlocks)
  expect(content.length).toBeLessThanOrEqual(pool.size)
  expect(new Set(content.map(block => block.hash))).toEqual(index.hashes)
  for (const { hash, references } of content) {
    expect(references).toBe(users.get(hash) ?? 0)
    const parent = parents.get(hash)
    if (parent !== undefined) expect(index.hashes.has(parent)).toBe(true)
  }
  for (const hash of users.keys()) expect(index.hashes.has(hash)).toBe(true)
  expect(pool.referencedBlocks).toBe(users.size)
  expect(pool.usage).toBe(pool.size === 0 ? 0 : users.size / pool.size)
}

test('unrelated block numbers, as from 50 users at once, only ever wait for room', () => {
  const number = fc.integer({ min: 0, max: 100 })
  const prompts = fc.array(fc.uniqueArray(number, { minLength: 2, maxLength: 10 }), { minLength: 100, maxLength: 500 })
  fc.assert(
    fc.property(prompts, lists => {
      const index = new Index()
      const pool = new BlockPool({ size: 100, blockSize: 1, hasher: new FnvHasher(), emit: e => index.hear(e) })
      const running: Allocation[] = []
      for (const list of lists) {
        const words = new Uint32Array(list.flatMap(hash => [hash, 7]))
        const rest = { extraKeys: undefined, end: { low: 0, high: 0 }, restKeys: undefined }
        const blocks: PromptBlocks = { model: 'm', count: list.length, words, tokenIds: list, ...rest }
        while (running.length >= 50 || !pool.canAllocate(blocks)) pool.free(running.shift()!)
        running.push(pool.allocate(blocks))
      }
      for (const allocation of running) pool.free(allocation)
      expect(pool.referencedBlocks).toBe(0)
      expect(new Set([...pool.blocks()].map(block => block.hash))).toEqual(index.hashes)
    }),
    { numRuns: 20 },
  )
})
