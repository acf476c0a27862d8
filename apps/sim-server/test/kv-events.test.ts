import { type KvEventMessage, KvEventSubscriber, replayEvents } from '@vllm-sim/kv-events'
import { afterEach, expect, test, vi } from 'vitest'
import { startInProcess } from './in-process.ts'
import { freePort, post, startServer } from './server-process.ts'

const subscribers: KvEventSubscriber[] = []
afterEach(() => {
  for (const one of subscribers.splice(0)) one.close()
})

async function subscribe(endpoint: string, bind: boolean): Promise<KvEventMessage[]> {
  const messages: KvEventMessage[] = []
  const subscriber = new KvEventSubscriber({ endpoint, bind })
  subscribers.push(subscriber)
  await subscriber.start()
  void (async () => {
    for await (const message of subscriber) messages.push(message)
  })()
  return messages
}

let prompts = 0

/** A prompt of its own that fills at least one block of 8 tokens. */
async function store(url: string): Promise<void> {
  const words = Array.from({ length: 12 }, (_, at) => `word${prompts}x${at}`).join(' ')
  prompts++
  await post(`${url}/v1/completions`, { model: 'm', prompt: words, max_tokens: 1 })
}

/** Stores prompts until one is heard of, which tells that the sockets have found each other. */
async function connected(url: string, messages: readonly KvEventMessage[]): Promise<KvEventMessage> {
  await vi.waitFor(
    async () => {
      await store(url)
      expect(messages.length).toBeGreaterThan(0)
    },
    { timeout: 60_000, interval: 20 },
  )
  return messages[0]!
}

const options = ['--enable-kvcache', '--block-size', '8']
const env = { POD_IP: '10.9.8.7' }

test('events go to the endpoint under the topic of pod, port and model, and what waits leaves at the end', async () => {
  const endpoint = `tcp://127.0.0.1:${await freePort()}`
  const messages = await subscribe(endpoint, true)
  const { server, url, port } = await startServer(
    [...options, '--zmq-endpoint', endpoint, '--event-batch-size', '500'],
    env,
  )
  const first = await connected(url, messages)
  expect(first).toMatchObject({ topic: `kv@10.9.8.7:${port}@m`, rank: 0 })
  expect(first.events[0]).toMatchObject({ type: 'BlockStored', blockSize: 8 })
  expect(server.log).toContain('GPU KV cache size: 8,192 tokens')

  const before = messages.reduce((sum, message) => sum + message.events.length, 0)
  await store(url)
  expect((await server.stop()).code).toBe(0)
  await vi.waitFor(
    () => expect(messages.reduce((sum, message) => sum + message.events.length, 0)).toBeGreaterThan(before),
    { timeout: 60_000 },
  )
})

test('ranks publish to endpoints of their own', async () => {
  const size = 2
  const base = await freePort(size)
  const ranks = await Promise.all(
    Array.from({ length: size }, (_, rank) => subscribe(`tcp://127.0.0.1:${base + rank}`, true)),
  )
  const port = await freePort(size)
  await startInProcess(
    [
      ...options,
      ...['--zmq-endpoint', `tcp://127.0.0.1:${base}`, '--event-batch-size', '1'],
      ...['--data-parallel-size', String(size), '--port', String(port)],
    ],
    env,
  )
  for (const [rank, messages] of ranks.entries()) {
    const first = await connected(`http://127.0.0.1:${port + rank}`, messages)
    expect(first).toMatchObject({ topic: `kv@10.9.8.7:${port + rank}@m`, rank })
  }
})

test("with vLLM's option events are published at a bound endpoint, counted from 0, and can be asked for again", async () => {
  const [events, replay] = [await freePort(), await freePort()]
  const config = {
    enable_kv_cache_events: true,
    publisher: 'zmq',
    endpoint: `tcp://*:${events}`,
    replay_endpoint: `tcp://*:${replay}`,
    topic: 'kv-events',
  }
  const { url } = await startInProcess(['--block-size', '8', '--kv-events-config', JSON.stringify(config)])
  await store(url)
  const messages = await subscribe(`tcp://127.0.0.1:${events}`, false)
  expect(await connected(url, messages)).toMatchObject({ topic: 'kv-events' })
  const again: KvEventMessage[] = []
  for await (const message of replayEvents({ endpoint: `tcp://127.0.0.1:${replay}`, from: 0 })) again.push(message)
  expect(again[0]!.sequence).toBe(0)
  expect(again[0]!.events[0]).toMatchObject({ type: 'BlockStored' })
})

test('an endpoint that cannot be bound ends the start', async () => {
  const port = await freePort()
  await startInProcess([...options, '--zmq-endpoint', `tcp://*:${port}`], env)
  await expect(startInProcess([...options, '--zmq-endpoint', `tcp://*:${port}`], env)).rejects.toThrow(
    /cannot bind the KV event endpoint/,
  )
})

test('asleep the cache is dropped and subscribers are told', async () => {
  const endpoint = `tcp://127.0.0.1:${await freePort()}`
  const messages = await subscribe(endpoint, true)
  const { url } = await startInProcess(
    [...options, '--zmq-endpoint', endpoint, '--event-batch-size', '1', '--enable-sleep-mode'],
    { ...env, VLLM_SERVER_DEV_MODE: '1' },
  )
  await connected(url, messages)
  await post(`${url}/sleep`, '')
  await vi.waitFor(() => expect(messages.at(-1)!.events).toEqual([{ type: 'AllBlocksCleared' }]), { timeout: 60_000 })
})
