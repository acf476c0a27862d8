import { expect, test } from 'vitest'
import type { HeldBlocks } from './hand-over.ts'
import { FnvHasher } from './kv/index.ts'
import { PrefixCache } from './prefix-cache.ts'
import { Harness } from './testing/harness.ts'

const prefill = { doRemoteDecode: true }

function prompt(first: number, blocks: number) {
  return [{ tokenIds: Array.from({ length: 4 * blocks }, (_, at) => first + at) }]
}

function prefiller(size: number) {
  const held: HeldBlocks[] = []
  const harness = new Harness({
    cache: new PrefixCache({ size, blockSize: 4, hasher: new FnvHasher('') }),
    handOver: (sequence, blocks) => {
      held.push(blocks)
      return { remote_request_id: sequence.request.id, remote_block_ids: [Array.from(blocks.ids)] }
    },
  })
  return { ...harness, harness, held }
}

test('the blocks of a prefill stay in use until they are released, and the answer names them', () => {
  const { harness, held } = prefiller(8)
  const { sink } = harness.submit({ id: 'a', prompts: prompt(1, 3), tokens: 1, kvTransfer: prefill })
  harness.clock.runAll()
  expect(sink.one.outcome?.finishReason).toBe('remote_decode')
  expect(sink.one.outcome?.kvTransferParams).toEqual({ remote_request_id: 'a', remote_block_ids: [[0, 1, 2]] })
  expect(harness.engine.snapshot().cacheUsage).toBe(3 / 8)
  expect(harness.engine.resetPrefixCache()).toBe(false)
  held[0]!.release()
  held[0]!.release()
  expect(harness.engine.snapshot().cacheUsage).toBe(0)
  expect(harness.engine.resetPrefixCache()).toBe(true)
})

test('who waits for blocks starts when held ones are released', () => {
  const { harness, held } = prefiller(4)
  harness.submit({ prompts: prompt(1, 3), tokens: 1, kvTransfer: prefill })
  const { sink } = harness.submit({ prompts: prompt(100, 2), tokens: 1 })
  harness.clock.runAll()
  expect(sink.done).toBe(false)
  held[0]!.release()
  harness.clock.runAll()
  expect(sink.one.outcome?.finishReason).toBe('length')
})

test('nothing is handed over by requests that fail, are aborted or decode here; of several choices by the first', () => {
  const { harness, held } = prefiller(8)
  harness.submit({ prompts: prompt(1, 1), tokens: 1 })
  harness.submit({ prompts: prompt(1, 9), tokens: 1, kvTransfer: prefill })
  harness.engine.latency = { firstToken: () => 10, interToken: () => 10 }
  harness.submit({ prompts: prompt(1, 1), tokens: 1, kvTransfer: prefill }).handle.abort()
  expect(held).toHaveLength(0)
  const { sink } = harness.submit({ prompts: prompt(1, 1), n: 3, tokens: 1, kvTransfer: prefill })
  harness.clock.runAll()
  expect(held).toHaveLength(1)
  expect(sink.received.map(one => 'kvTransferParams' in one.outcome!)).toEqual([true, false, false])
})

test('without a cache, and during sleep, there is nothing to hold, and a cache that was emptied forgets what was held', () => {
  const { harness, held } = prefiller(8)
  harness.submit({ prompts: prompt(1, 2), tokens: 1, kvTransfer: prefill })
  harness.engine.sleep()
  harness.submit({ prompts: prompt(1, 2), tokens: 1, kvTransfer: prefill })
  harness.clock.runAll()
  expect(held.map(blocks => blocks.ids.length)).toEqual([2, 0])
  harness.engine.wake()
  for (const blocks of held) blocks.release()
  expect(harness.engine.snapshot().cacheUsage).toBe(0)
})
