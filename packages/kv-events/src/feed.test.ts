import { type KvCacheEvent, Timeline, VirtualClock } from '@vllm-sim/core-engine'
import { expect, test } from 'vitest'
import type { FedBatch } from './fed-batch.ts'
import { KvEventFeed } from './feed.ts'
import { KvEventPublisher } from './publisher.ts'

const removed = (hash: bigint): KvCacheEvent => ({ type: 'BlockRemoved', hashes: [hash] })

test('batches of its own are numbered from 0, and the latest are remembered', () => {
  const clock = new VirtualClock()
  const { feed, observer } = KvEventFeed.own(new Timeline(clock))
  expect(feed.latest).toBe(-1)
  for (let i = 0; i < 20; i++) observer.onCacheEvent?.(removed(BigInt(i)), 0)
  clock.advance(1000)
  expect(feed.latest).toBe(1)
  const heard: FedBatch[] = []
  expect(feed.subscribe(3, batch => heard.push(batch))).toBeUndefined()
  const stop = feed.subscribe(1, batch => heard.push(batch))
  expect(heard.map(batch => [batch.sequence, batch.events.length])).toEqual([[1, 4]])
  observer.onCacheEvent?.(removed(99n), 0)
  clock.advance(1000)
  expect(heard.map(batch => batch.sequence)).toEqual([1, 2])
  stop?.()
  observer.onCacheEvent?.(removed(100n), 0)
  clock.advance(1000)
  expect(heard).toHaveLength(2)
})

test('what was long ago is not remembered', () => {
  const clock = new VirtualClock()
  const { feed, observer } = KvEventFeed.own(new Timeline(clock))
  for (let i = 0; i < 16 * 1030; i++) observer.onCacheEvent?.(removed(BigInt(i)), 0)
  clock.advance(1000)
  expect(feed.latest).toBe(1029)
  expect(feed.subscribe(5, () => {})).toBeUndefined()
  const heard: number[] = []
  feed.subscribe(6, batch => heard.push(batch.sequence))
  expect([heard[0], heard.length]).toEqual([6, 1024])
})

test("a publisher's batches have its numbers", async () => {
  const clock = new VirtualClock()
  const publisher = new KvEventPublisher({
    endpoint: 'tcp://127.0.0.1:1',
    topic: 'kv',
    firstSequence: 7,
    batchSize: 1,
    timeline: new Timeline(clock),
  })
  const feed = KvEventFeed.of(publisher)
  const heard: FedBatch[] = []
  feed.subscribe(undefined, batch => heard.push(batch))
  publisher.onCacheEvent(removed(5n))
  clock.advance(1000)
  expect(heard).toMatchObject([{ sequence: 7, events: [{ hashes: [5n] }] }])
  expect(feed.latest).toBe(7)
  await publisher.close()
})
