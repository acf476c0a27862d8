import { type KvCacheEvent, Timeline, VirtualClock } from '@vllm-sim/core-engine'
import { expect, test } from 'vitest'
import { EventBatcher } from './batcher.ts'
import { decodeBatch } from './decode.ts'

const event = (hash: number): KvCacheEvent => ({ type: 'BlockRemoved', hashes: [BigInt(hash)] })

/** @param room batches that are taken before `deliver` says that it has no room for more */
function setUp(
  options: { batchSize?: number; batchDelay?: number; maxPending?: number } = {},
  room = Number.POSITIVE_INFINITY,
) {
  const clock = new VirtualClock(0, 1_750_000_000_250)
  const sent: { at: number; sequence: number; hashes: number[]; timestamp: number }[] = []
  let dropped = 0
  const batcher = new EventBatcher({
    timeline: new Timeline(clock),
    batchSize: 3,
    batchDelay: 900,
    maxPending: 100,
    rank: 0,
    format: 'array',
    firstSequence: 1,
    deliver: (sequence, payload) => {
      const { events, timestamp } = decodeBatch(payload)
      const hashes = events.flatMap(e => ('hashes' in e ? e.hashes.map(Number) : []))
      sent.push({ at: clock.now(), sequence, hashes, timestamp })
      return sent.length % room !== 0
    },
    onDropped: () => dropped++,
    ...options,
  })
  return { clock, sent, batcher, dropped: () => dropped }
}

test('a full batch leaves in the next turn, not in the call that filled it', () => {
  const { clock, sent, batcher } = setUp()
  for (let i = 1; i <= 3; i++) batcher.add(event(i))
  expect(sent).toEqual([])
  clock.advance(0)
  expect(sent).toEqual([{ at: 0, sequence: 1, hashes: [1, 2, 3], timestamp: 1_750_000_000.25 }])
})

test('what comes at once is cut into full batches, and the rest waits', () => {
  const { clock, sent, batcher } = setUp()
  for (let i = 1; i <= 8; i++) batcher.add(event(i))
  clock.advance(0)
  expect(sent.map(batch => batch.hashes)).toEqual([
    [1, 2, 3],
    [4, 5, 6],
  ])
  clock.advance(900)
  expect(sent[2]).toMatchObject({ at: 900, sequence: 3, hashes: [7, 8] })
})

test('a partial batch leaves within the delay, counted from its first event; a full one restarts the wait', () => {
  const { clock, sent, batcher } = setUp()
  clock.advance(500)
  batcher.add(event(1))
  clock.advance(800)
  batcher.add(event(2))
  expect(sent).toEqual([])
  clock.advance(100)
  expect(sent).toMatchObject([{ at: 1400, hashes: [1, 2] }])
  batcher.add(event(3))
  clock.advance(600)
  for (let i = 4; i <= 6; i++) batcher.add(event(i))
  clock.advance(899)
  expect(sent.length).toBe(2)
  clock.advance(1)
  expect(sent.slice(1)).toMatchObject([
    { at: 2000, hashes: [3, 4, 5] },
    { at: 2900, hashes: [6] },
  ])
})

test('without a delay the events of a turn are one batch', () => {
  const { clock, sent, batcher } = setUp({ batchSize: Number.POSITIVE_INFINITY, batchDelay: 0 })
  for (let i = 1; i <= 5; i++) batcher.add(event(i))
  clock.advance(0)
  batcher.add(event(6))
  clock.advance(0)
  expect(sent.map(batch => batch.hashes)).toEqual([[1, 2, 3, 4, 5], [6]])
})

test('flush sends what waits, once', () => {
  const { clock, sent, batcher } = setUp()
  batcher.flush()
  batcher.add(event(1))
  batcher.flush()
  clock.advance(5000)
  expect(sent).toMatchObject([{ at: 0, sequence: 1, hashes: [1] }])
})

test('nothing is scheduled while nothing waits', () => {
  const { clock, batcher, sent } = setUp()
  batcher.add(event(1))
  clock.runAll()
  expect(sent.length).toBe(1)
})

test('more than may wait is dropped and said once per congestion', () => {
  const { clock, sent, batcher, dropped } = setUp({ maxPending: 4 })
  for (let i = 1; i <= 9; i++) batcher.add(event(i))
  expect(dropped()).toBe(1)
  clock.advance(900)
  expect(sent.map(batch => batch.hashes)).toEqual([[1, 2, 3], [4]])
  for (let i = 1; i <= 9; i++) batcher.add(event(i))
  expect(dropped()).toBe(2)
})

test('what cannot be delivered yet waits, and leaves in larger batches; then they are small again', () => {
  const { clock, sent, batcher, dropped } = setUp({ batchSize: 1, maxPending: 1000 }, 10)
  for (let i = 0; i < 100; i++) batcher.add(event(i))
  clock.advance(5000)
  expect(sent.map(batch => batch.hashes)).toEqual(Array.from({ length: 10 }, (_, i) => [i]))
  batcher.add(event(100))
  clock.advance(5000)
  expect(sent.length).toBe(10)
  batcher.resume()
  expect(sent.slice(10).map(batch => batch.hashes.length)).toEqual([64, 27])
  expect(sent.flatMap(batch => batch.hashes)).toEqual(Array.from({ length: 101 }, (_, i) => i))
  for (let i = 101; i < 104; i++) batcher.add(event(i))
  clock.advance(0)
  expect(sent.slice(12).map(batch => batch.hashes)).toEqual([[101], [102], [103]])
  expect(dropped()).toBe(0)
})

test('a flush that had to wait sends the rest afterwards, the last partial batch too', () => {
  const { sent, batcher } = setUp({ batchSize: 3 }, 2)
  for (let i = 0; i < 8; i++) batcher.add(event(i))
  batcher.flush()
  expect(sent.length).toBe(2)
  batcher.resume()
  expect(sent[2]?.hashes).toEqual([6, 7])
})

test('a batch has a bounded number of bytes, however many events are one', () => {
  const { clock, sent, batcher } = setUp({ batchSize: Number.POSITIVE_INFINITY, batchDelay: 0 })
  const hashes = Array.from({ length: 1000 }, (_, i) => BigInt(i))
  for (let i = 0; i < 10; i++) batcher.add({ type: 'BlockRemoved', hashes })
  clock.advance(0)
  expect(sent.map(batch => batch.hashes.length)).toEqual([3000, 3000, 3000, 1000])
})
