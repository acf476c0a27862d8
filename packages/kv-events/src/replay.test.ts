import type { KvCacheEvent } from '@vllm-sim/core-engine'
import { afterEach, expect, test, vi } from 'vitest'
import { Dealer, Request } from 'zeromq'
import { KvEventPublisher, type KvEventPublisherOptions } from './publisher.ts'
import { replayEvents } from './replay-client.ts'

const topic = 'kv@10.0.0.1:8000@m'
const event = (hash: number): KvCacheEvent => ({ type: 'BlockRemoved', hashes: [BigInt(hash)] })
// Real sockets on a machine that others use too: slow is not wrong.
const open: { close(): void | Promise<void> }[] = []
afterEach(async () => {
  for (const socket of open.splice(0)) await socket.close()
})

/** A publisher without a subscriber that has sent `count` messages, numbered from 1. */
async function published(count: number, options: Partial<KvEventPublisherOptions> = {}) {
  const publisher = new KvEventPublisher({
    endpoint: 'tcp://127.0.0.1:9',
    topic,
    batchSize: 1,
    replayEndpoint: 'tcp://127.0.0.1:*',
    ...options,
  })
  open.push(publisher)
  await publisher.start()
  for (let i = 1; i <= count; i++) publisher.onCacheEvent(event(i))
  await publisher.flush()
  return publisher
}

function dealer(publisher: KvEventPublisher, options = {}) {
  const socket = new Dealer({ linger: 0, receiveTimeout: 10_000, ...options })
  open.push(socket)
  socket.connect(publisher.replayEndpoint!)
  return socket
}

async function sequences(publisher: KvEventPublisher, from: number): Promise<number[]> {
  const found: number[] = []
  for await (const message of replayEvents({ endpoint: publisher.replayEndpoint!, from })) found.push(message.sequence)
  return found
}

const start = (sequence: bigint) => {
  const frame = Buffer.alloc(8)
  frame.writeBigUInt64BE(sequence)
  return frame
}

test('the frames of an answer and of its end', async () => {
  const publisher = await published(2)
  const socket = dealer(publisher)
  await socket.send(['', start(2n)])
  const [empty, name, sequence, payload] = await socket.receive()
  expect([empty!.length, name!.toString(), sequence!.readBigUInt64BE()]).toEqual([0, topic, 2n])
  expect(payload!.toString('hex')).toMatch(/^93cb.{16}9193ac426c6f636b52656d6f76656491cf0000000000000002a347505500$/)
  expect((await socket.receive()).map(frame => frame.toString('hex'))).toEqual(['', '', 'ffffffffffffffff', ''])
})

test('from the beginning, from the middle, from the future', async () => {
  const publisher = await published(5)
  expect(await sequences(publisher, 0)).toEqual([1, 2, 3, 4, 5])
  expect(await sequences(publisher, 4)).toEqual([4, 5])
  expect(await sequences(publisher, 6)).toEqual([])
})

test('what is older than the window is not there', async () => {
  expect(await sequences(await published(10, { replayBatches: 3 }), 0)).toEqual([8, 9, 10])
})

test('a REQ socket gets the first answer', async () => {
  const publisher = await published(3)
  const socket = new Request({ linger: 0, receiveTimeout: 10_000 })
  open.push(socket)
  socket.connect(publisher.replayEndpoint!)
  await socket.send(start(3n))
  expect((await socket.receive())[1]!.readBigUInt64BE()).toBe(3n)
})

test('requests that make no sense are not answered, and harm nobody', async () => {
  const publisher = await published(1)
  const socket = dealer(publisher)
  for (const frames of [['x', start(0n)], ['', 'short'], [''], ['', start(0n), ''], [start(0n)]])
    await socket.send(frames)
  await socket.send(['', Buffer.concat([start(1n), Buffer.from('more')])])
  expect((await socket.receive())[2]!.readBigUInt64BE()).toBe(1n)
  expect((await socket.receive())[2]!.toString('hex')).toBe('ffffffffffffffff')
})

test('one client that does not read holds up no other; it gets all when it does', async () => {
  const publisher = await published(0, { replayBatches: 5000, batchSize: 10 })
  // More than fits into the queues and the kernel's buffers on the way: 3,000 messages of 10 kB.
  const tokenIds = new Uint32Array(2000)
  for (let i = 0; i < 3000; i++) {
    const hashes = [BigInt(i)]
    const parts = { parent: undefined, loraId: undefined, loraName: undefined, extraKeys: undefined }
    publisher.onCacheEvent({ type: 'BlockStored', hashes, tokenIds, blockSize: 2000, ...parts })
    await publisher.flush()
  }
  const stuck = dealer(publisher, { receiveHighWaterMark: 1 })
  await stuck.send(['', start(0n)])
  await stuck.send(['', start(2999n)])
  const all = Array.from({ length: 3000 }, (_, i) => i + 1)
  expect(await Promise.all([sequences(publisher, 0), sequences(publisher, 0)])).toEqual([all, all])
  const late: bigint[] = []
  for (let i = 0; i < 3000 + 1 + 2 + 1; i++) late.push((await stuck.receive())[2]!.readBigUInt64BE())
  const end = 2n ** 64n - 1n
  expect(late).toEqual([...all.map(BigInt), end, 2999n, 3000n, end])
})

test('a client that asks and asks without reading has a bounded number of requests', async () => {
  const publisher = await published(200)
  const greedy = dealer(publisher, { receiveHighWaterMark: 1 })
  for (let i = 0; i < 90; i++) await greedy.send(['', start(0n)])
  // Others are served all the while.
  expect((await sequences(publisher, 0)).length).toBe(200)
  let ends = 0
  greedy.receiveTimeout = 1000
  for (;;) {
    const frames = await greedy.receive().catch(() => undefined)
    if (!frames) break
    if (frames[2]!.readBigUInt64BE() === 2n ** 64n - 1n) ends++
  }
  expect(ends).toBeGreaterThan(0)
  expect(ends).toBeLessThan(90)
})

test('publishing goes on during a replay, and later messages come with the next one', async () => {
  const publisher = await published(100)
  const found = sequences(publisher, 0)
  publisher.onCacheEvent(event(101))
  await publisher.flush()
  expect((await found).slice(0, 100)).toEqual(Array.from({ length: 100 }, (_, i) => i + 1))
  expect(await sequences(publisher, 101)).toEqual([101])
})

test('a replay endpoint that is taken is a problem, not the end', async () => {
  const first = await published(0)
  const onProblem = vi.fn()
  const second = await published(3, { replayEndpoint: first.replayEndpoint!, onProblem })
  expect(onProblem.mock.calls).toEqual([
    [expect.stringMatching(/^cannot bind the KV event replay endpoint tcp:.*without$/)],
  ])
  expect([second.replayEndpoint, second.sequence]).toEqual([undefined, 4])
})

test('a client says when nobody answers', async () => {
  const nobody = replayEvents({ endpoint: 'tcp://127.0.0.1:9', from: 0, timeout: 50 })
  await expect(nobody.next()).rejects.toThrow(
    'no answer from the KV event replay endpoint tcp://127.0.0.1:9 within 50 ms',
  )
})
