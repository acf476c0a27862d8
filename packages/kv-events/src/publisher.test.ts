import { type KvCacheEvent, Timeline, VirtualClock } from '@vllm-sim/core-engine'
import { afterEach, expect, test, vi } from 'vitest'
import { Subscriber, XSubscriber } from 'zeromq'
import { decodeMessage, type KvEventMessage } from './message.ts'
import { KvEventPublisher, type KvEventPublisherOptions } from './publisher.ts'

const topic = 'kv@10.0.0.1:8000@test-model'
const event = (hash: number): KvCacheEvent => ({ type: 'BlockRemoved', hashes: [BigInt(hash)] })
// Real sockets on a machine that others use too: slow is not wrong.
const open: { close(): void | Promise<void> }[] = []
afterEach(async () => {
  for (const socket of open.splice(0)) await socket.close()
})

async function publish(options: Partial<KvEventPublisherOptions> & { endpoint: string }) {
  const publisher = new KvEventPublisher({ topic, batchSize: 1, ...options })
  open.push(publisher)
  await publisher.start()
  return publisher
}

/** A plain ZMQ socket that collects what it gets. */
async function subscribe(how: { bind: string } | { connect: string }) {
  const socket = new Subscriber({ linger: 0 })
  open.push(socket)
  socket.subscribe('kv@')
  if ('bind' in how) await socket.bind(how.bind)
  else socket.connect(how.connect)
  const frames: Buffer[][] = []
  const messages: KvEventMessage[] = []
  void (async () => {
    for await (const message of socket) {
      frames.push(message)
      messages.push(decodeMessage(message, false))
    }
  })()
  return { socket, frames, messages, endpoint: socket.lastEndpoint! }
}

/** Publishes until the first message has come through: a subscription takes a moment to arrive. */
async function connected(publisher: KvEventPublisher, messages: readonly KvEventMessage[]): Promise<void> {
  const before = messages.length
  await vi.waitFor(
    async () => {
      publisher.onCacheEvent({ type: 'AllBlocksCleared' })
      await publisher.flush()
      expect(messages.length).toBeGreaterThan(before)
    },
    { timeout: 60_000, interval: 20 },
  )
  await arrived(messages, publisher.sequence - 1)
}

const arrived = (messages: readonly KvEventMessage[], sequence: number) =>
  vi.waitFor(() => expect(messages.at(-1)?.sequence).toBe(sequence), { timeout: 60_000, interval: 5 })

test('connects to a subscriber that binds; the message has three frames', async () => {
  const { endpoint, frames, messages } = await subscribe({ bind: 'tcp://127.0.0.1:*' })
  const clock = new VirtualClock(0, 1_750_000_000_250)
  const publisher = await publish({ endpoint, timeline: new Timeline(clock) })
  await connected(publisher, messages)
  const [first, sequence, payload] = frames[0]!
  expect(first!.toString()).toBe(topic)
  expect(sequence!.readBigUInt64BE()).toBe(BigInt(messages[0]!.sequence))
  // [1750000000.25, [["AllBlocksCleared"]], 0]
  expect(payload!.toString('hex')).toBe('93cb41da13b8601000009191b0416c6c426c6f636b73436c656172656400')
})

test('binds when the endpoint has a star; a subscriber connects', async () => {
  const publisher = await publish({ endpoint: 'tcp://127.0.0.1:*', rank: 2 })
  const { messages } = await subscribe({ connect: publisher.endpoint! })
  await connected(publisher, messages)
  expect(messages[0]).toMatchObject({ topic, rank: 2, events: [{ type: 'AllBlocksCleared' }] })
})

test('counts from 1 when it connects, from 0 when it binds, or from where it is told', async () => {
  expect(new KvEventPublisher({ endpoint: 'tcp://127.0.0.1:5557', topic }).sequence).toBe(1)
  expect(new KvEventPublisher({ endpoint: 'tcp://*:5557', topic }).sequence).toBe(0)
  expect(new KvEventPublisher({ endpoint: 'tcp://*:5557', topic, firstSequence: 7 }).sequence).toBe(7)
})

test('without a peer numbers go on and nothing waits', async () => {
  const publisher = await publish({ endpoint: 'tcp://127.0.0.1:9' })
  for (let i = 0; i < 100; i++) publisher.onCacheEvent(event(i))
  await publisher.flush()
  expect(publisher.sequence).toBe(101)
})

test('messages keep their order and come once each', async () => {
  const { endpoint, messages } = await subscribe({ bind: 'tcp://127.0.0.1:*' })
  const publisher = await publish({ endpoint, batchSize: 7 })
  await connected(publisher, messages)
  const from = publisher.sequence
  messages.length = 0
  for (let i = 0; i < 1000; i++) publisher.onCacheEvent(event(i))
  await publisher.flush()
  await arrived(messages, publisher.sequence - 1)
  expect(messages.map(message => message.sequence)).toEqual(messages.map((_, i) => from + i))
  const hashes = messages.flatMap(message => message.events.flatMap(e => ('hashes' in e ? e.hashes : [])))
  expect(hashes).toEqual(Array.from({ length: 1000 }, (_, i) => BigInt(i)))
})

/** Hashes of all events that came, in order. */
const hashesOf = (messages: readonly KvEventMessage[]) =>
  messages.flatMap(({ events }) => events.flatMap(e => ('hashes' in e ? e.hashes.map(Number) : [])))

test('a subscriber that reads gets every event of a burst, in order', async () => {
  const publisher = await publish({ endpoint: 'tcp://127.0.0.1:*' })
  const { messages } = await subscribe({ connect: publisher.endpoint! })
  await connected(publisher, messages)
  for (let i = 0; i < 59_000; i++) publisher.onCacheEvent(event(i))
  await publisher.flush()
  await arrived(messages, publisher.sequence - 1)
  expect(hashesOf(messages)).toEqual(Array.from({ length: 59_000 }, (_, i) => i))
})

test('one that does not read loses, said once, and no other does', async () => {
  const problems: string[] = []
  const onProblem = (problem: string) => problems.push(problem)
  const publisher = await publish({ endpoint: 'tcp://127.0.0.1:*', highWaterMark: 50, onProblem })
  const stuck = new Subscriber({ linger: 0, receiveHighWaterMark: 1 })
  open.push(stuck)
  stuck.subscribe('kv@')
  stuck.connect(publisher.endpoint!)
  const { messages } = await subscribe({ connect: publisher.endpoint! })
  await connected(publisher, messages)
  await stuck.receive()
  // 1,000 events of 18 kB: more than fits into the queues and the kernel's buffers on the way.
  const hashes = Array.from({ length: 2000 }, (_, i) => BigInt(i))
  messages.length = 0
  for (let i = 0; i < 1000; i++) {
    publisher.onCacheEvent({ type: 'BlockRemoved', hashes })
    if (i % 10 < 9) continue
    await publisher.flush()
    await arrived(messages, publisher.sequence - 1)
  }
  expect(messages.length).toBe(1000)
  expect(problems).toEqual(['a subscriber to KV events does not read; it misses messages from here on'])
})

test('a subscriber that comes back at the same address gets events again', async () => {
  const first = await subscribe({ bind: 'tcp://127.0.0.1:*' })
  const publisher = await publish({ endpoint: first.endpoint })
  await connected(publisher, first.messages)
  first.socket.close()
  let second: Awaited<ReturnType<typeof subscribe>> | undefined
  // The port is free again when the socket's background thread has let go of it.
  await vi.waitFor(async () => {
    second = await subscribe({ bind: first.endpoint })
  })
  await connected(publisher, second!.messages)
  expect(second!.messages[0]!.sequence).toBeGreaterThan(first.messages.at(-1)!.sequence)
})

test('an event alone leaves by itself', async () => {
  const publisher = await publish({ endpoint: 'tcp://127.0.0.1:*', batchSize: 16 })
  const { messages } = await subscribe({ connect: publisher.endpoint! })
  await connected(publisher, messages)
  const { sequence } = publisher
  publisher.onCacheEvent(event(1))
  await arrived(messages, sequence)
})

test('what waits at the end is sent', async () => {
  // However long the subscriber takes to get it.
  const publisher = await publish({ endpoint: 'tcp://127.0.0.1:*', batchSize: 16, linger: 60_000 })
  const { messages } = await subscribe({ connect: publisher.endpoint! })
  await connected(publisher, messages)
  const sequence = publisher.sequence
  publisher.onCacheEvent(event(42))
  await publisher.close()
  await arrived(messages, sequence)
  expect(messages.at(-1)!.events).toMatchObject([{ hashes: [42n] }])
  publisher.onCacheEvent(event(43))
  await publisher.close()
  expect(publisher.sequence).toBe(sequence + 1)
})

test('an endpoint that cannot be used is said at the start', async () => {
  const first = await publish({ endpoint: 'tcp://127.0.0.1:*' })
  const taken = `tcp://*:${first.endpoint!.split(':').at(-1)}`
  await expect(publish({ endpoint: taken })).rejects.toThrow(/cannot bind the KV event endpoint .*Choose another port/)
  await expect(publish({ endpoint: 'tcp://nowhere' })).rejects.toThrow('cannot connect to the KV event endpoint')
  expect(() => new KvEventPublisher({ endpoint: 'tcp://*:1', topic, batchSize: 0 })).toThrow('batchSize')
})

test('frames that are no subscriptions, huge and countless ones harm neither the publisher nor who reads', async () => {
  const publisher = await publish({ endpoint: 'tcp://127.0.0.1:*' })
  const { messages } = await subscribe({ connect: publisher.endpoint! })
  await connected(publisher, messages)
  const hostile = new XSubscriber({ linger: 0, sendTimeout: 5000 })
  open.push(hostile)
  hostile.connect(publisher.endpoint!)
  const topicOf = (i: number, size: number) => Buffer.concat([Buffer.from([1]), Buffer.alloc(size, `${i} `)])
  for (const frame of [
    Buffer.alloc(0),
    Buffer.from([0]),
    Buffer.from([0, 7]),
    Buffer.from([2, 3]),
    Buffer.alloc(4000, 9),
  ])
    await hostile.send(frame)
  for (let i = 0; i < 2000; i++) await hostile.send(topicOf(i, 64))
  // Over the limit of a frame: this peer is cut off.
  await hostile.send(topicOf(0, 100_000))
  const from = publisher.sequence
  for (let i = 0; i < 100; i++) publisher.onCacheEvent(event(i))
  await publisher.flush()
  await arrived(messages, publisher.sequence - 1)
  expect(messages.filter(({ sequence }) => sequence >= from).flatMap(({ events }) => events)).toHaveLength(100)
})
