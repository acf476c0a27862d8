import type { KvCacheEvent } from '@vllm-sim/core-engine'
import { afterEach, expect, test, vi } from 'vitest'
import { Publisher, Router } from 'zeromq'
import { encodeBatch } from './encode.ts'
import type { KvEventMessage } from './message.ts'
import { KvEventPublisher } from './publisher.ts'
import { type KvEventGap, KvEventSubscriber, type KvEventSubscriberOptions } from './subscriber.ts'

// Real sockets on a machine that others use too: slow is not wrong.
const open: { close(): void | Promise<void> }[] = []
afterEach(async () => {
  for (const socket of open.splice(0)) await socket.close()
})

async function subscriber(options: KvEventSubscriberOptions) {
  const gaps: KvEventGap[] = []
  const problems: string[] = []
  const messages: KvEventMessage[] = []
  const subscriber = new KvEventSubscriber({
    onGap: gap => gaps.push(gap),
    onProblem: problem => problems.push(problem),
    ...options,
  })
  open.push(subscriber)
  await subscriber.start()
  const ended = (async () => {
    for await (const message of subscriber) messages.push(message)
  })()
  return { subscriber, gaps, problems, messages, ended }
}

/** A publisher that sends what it is told, right or wrong. */
async function raw() {
  const socket = new Publisher({ linger: 0 })
  open.push(socket)
  await socket.bind('tcp://127.0.0.1:*')
  const send = (sequence: number, timestamp = sequence, topic = 'kv@a:1@m') => {
    const frame = Buffer.alloc(8)
    frame.writeBigUInt64BE(BigInt(sequence))
    return socket.send([topic, frame, encodeBatch(timestamp, [], 0)])
  }
  return { socket, send, endpoint: socket.lastEndpoint! }
}

const until = (check: () => void) => vi.waitFor(check, { timeout: 60_000, interval: 10 })

/** Sends message 0 until it has come through, which tells that the subscription has arrived. */
async function connected(send: (sequence: number) => Promise<void>, messages: KvEventMessage[]): Promise<void> {
  await until(async () => {
    await send(0)
    expect(messages.length).toBeGreaterThan(0)
  })
}

const numbers = (messages: KvEventMessage[]) => messages.map(message => message.sequence)

test('tells of a gap, and of a publisher that began anew; passes over what it had', async () => {
  const { send, endpoint } = await raw()
  const { messages, gaps } = await subscriber({ endpoint })
  await connected(send, messages)
  for (const sequence of [1, 4, 3, 4, 5]) await send(sequence)
  await send(2, 100)
  await send(3, 101)
  await until(() => expect(numbers(messages)).toEqual([0, 1, 4, 5, 2, 3]))
  const topic = 'kv@a:1@m'
  expect(gaps).toEqual([
    { topic, from: 2, to: 3, restarted: false },
    { topic, from: 0, to: 1, restarted: true },
  ])
})

test('several publishers have numbers of their own', async () => {
  const { send, endpoint } = await raw()
  const { messages, gaps } = await subscriber({ endpoint })
  await connected(send, messages)
  await send(7, 1, 'kv@b:1@m')
  await send(1)
  await send(8, 2, 'kv@b:1@m')
  await until(() => expect(numbers(messages)).toEqual([0, 7, 1, 8]))
  expect(gaps).toEqual([])
})

test('filters by the beginning of the topic', async () => {
  const { send, endpoint } = await raw()
  const { messages } = await subscriber({ endpoint, topic: 'kv@a:1@' })
  await connected(send, messages)
  await send(1, 1, 'kv@a:10@m')
  await send(1)
  await until(() => expect(messages.length).toBe(2))
  expect(messages[1]!.topic).toBe('kv@a:1@m')
})

test('messages that make no sense are passed over', async () => {
  const { socket, send, endpoint } = await raw()
  const { messages, problems } = await subscriber({ endpoint })
  await connected(send, messages)
  await socket.send(['kv@a:1@m', 'x'])
  await socket.send(['kv@a:1@m', Buffer.alloc(8), Buffer.from([0xc1])])
  await send(1)
  await until(() => expect(numbers(messages)).toEqual([0, 1]))
  expect(problems).toEqual([
    'a KV event message makes no sense: a message must have the frames topic, sequence (8 bytes) and payload',
    'a KV event message makes no sense: unknown type 0xc1 at 0',
  ])
})

async function publisher(replayBatches = 100) {
  const publisher = new KvEventPublisher({
    endpoint: 'tcp://127.0.0.1:*',
    topic: 'kv@a:1@m',
    replayEndpoint: 'tcp://127.0.0.1:*',
    replayBatches,
  })
  open.push(publisher)
  await publisher.start()
  const send = async (hash: number) => {
    const event: KvCacheEvent = { type: 'BlockRemoved', hashes: [BigInt(hash)] }
    publisher.onCacheEvent(event)
    await publisher.flush()
  }
  return { publisher, send, endpoint: publisher.endpoint!, replayEndpoint: publisher.replayEndpoint! }
}

test('begins with what was published before it came, each message once and in order', async () => {
  const { send, ...endpoints } = await publisher()
  for (let i = 0; i < 10; i++) await send(i)
  const { messages, gaps } = await subscriber({ ...endpoints, replayFrom: 0 })
  await until(() => expect(messages.length).toBe(10))
  await until(async () => {
    await send(10)
    expect(messages.some(message => !message.replayed)).toBe(true)
  })
  expect(numbers(messages)).toEqual(messages.map((_, i) => i))
  expect(messages.slice(0, 10).every(message => message.replayed)).toBe(true)
  // What was published before the subscription arrived had to be asked for.
  for (const gap of gaps) expect(gap.restarted).toBe(false)
})

test('a gap is filled from the replay endpoint before the message that showed it', async () => {
  const live = await raw()
  const kept = await publisher()
  for (let i = 0; i < 5; i++) await kept.send(i)
  const { messages, gaps } = await subscriber({ endpoint: live.endpoint, replayEndpoint: kept.replayEndpoint })
  await connected(live.send, messages)
  await live.send(4, 1e12)
  await until(() => expect(numbers(messages)).toEqual([0, 1, 2, 3, 4]))
  expect(messages.map(message => message.replayed)).toEqual([false, true, true, true, false])
  expect(gaps).toEqual([{ topic: 'kv@a:1@m', from: 1, to: 3, restarted: false }])
})

test('understands the replay of older vLLM, which has no topic frame', async () => {
  const router = new Router({ linger: 0 })
  open.push(router)
  await router.bind('tcp://127.0.0.1:*')
  void (async () => {
    for await (const [identity, empty, start] of router) {
      await router.send([identity!, empty!, start!, encodeBatch(0.5, [], 0)])
      await router.send([identity!, empty!, Buffer.alloc(8, 0xff), ''])
    }
  })()
  const live = await raw()
  const { messages } = await subscriber({ endpoint: live.endpoint, replayEndpoint: router.lastEndpoint! })
  await connected(live.send, messages)
  await live.send(2)
  await until(() => expect(numbers(messages)).toEqual([0, 1, 2]))
})

test('closing ends the iteration, also while a replay is awaited', async () => {
  const { ended, subscriber: one } = await subscriber({ endpoint: 'tcp://127.0.0.1:*' })
  one.close()
  await ended
  const dead = { endpoint: 'tcp://127.0.0.1:*', replayEndpoint: 'tcp://127.0.0.1:9', replayFrom: 0 }
  const { ended: endedToo, subscriber: two, problems } = await subscriber(dead)
  two.close()
  await endedToo
  expect(problems).toEqual([])
})

test('must be started, and says why it cannot be', async () => {
  await expect(new KvEventSubscriber({ endpoint: 'tcp://*:1' })[Symbol.asyncIterator]().next()).rejects.toThrow('start')
  await expect(new KvEventSubscriber({ endpoint: 'nonsense' }).start()).rejects.toThrow('cannot connect to')
})
