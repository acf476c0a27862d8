import { decodeBatch, type ReceivedEvent } from '@vllm-sim/kv-events'
import { afterAll, describe, expect, test } from 'vitest'
import { Dealer, Subscriber } from 'zeromq'
import { freePort } from '../server-process.ts'
import { type Body, type ContractServer, contractServer, eventually, loadBecomes } from './contract-server.ts'

// The prefix cache and its events, seen by a subscriber that binds, as a router does, and by asking for a replay.

const env = { POD_IP: '10.0.0.1' }
const ids = (from: number, count: number): number[] => Array.from({ length: count }, (_, at) => from + at)
const generate = async (server: ContractServer, token_ids: number[], more: object = {}): Promise<Body> =>
  (await server.post('/v1/completions', { model: 'm', prompt: token_ids, max_tokens: 1, ...more })).json

interface Message {
  readonly topic: string
  readonly sequence: number
  readonly payload: Buffer
  readonly events: readonly ReceivedEvent[]
  readonly rank: number | undefined
}

function message([topic, sequence, payload]: readonly Buffer[]): Message {
  const { events, rank } = decodeBatch(payload!)
  return { topic: topic!.toString(), sequence: Number(sequence!.readBigUInt64BE()), payload: payload!, events, rank }
}

/** All that was published since the start, asked for at the replay endpoint as a router does. */
async function published(endpoint: string, from = 0): Promise<Message[]> {
  const socket = new Dealer({ linger: 0, receiveTimeout: 60_000 })
  try {
    socket.connect(endpoint)
    const start = Buffer.alloc(8)
    start.writeBigUInt64BE(BigInt(from))
    await socket.send(['', start])
    const list: Message[] = []
    for (;;) {
      const [, ...frames] = await socket.receive()
      if (frames[1]!.equals(Buffer.alloc(8, 0xff))) return list
      list.push(message(frames))
    }
  } finally {
    socket.close()
  }
}

interface Listener {
  readonly endpoint: string
  readonly messages: Message[]
}

const sockets: Subscriber[] = []
afterAll(() => {
  for (const socket of sockets) socket.close()
})

/** A subscriber that binds, before any server is started. */
async function listen(port?: number): Promise<Listener> {
  const socket = new Subscriber({ linger: 0 })
  sockets.push(socket)
  await socket.bind(`tcp://127.0.0.1:${port ?? '*'}`)
  socket.subscribe('kv@')
  const messages: Message[] = []
  void (async () => {
    for await (const frames of socket) messages.push(message(frames))
  })()
  return { endpoint: socket.lastEndpoint!, messages }
}

const replayAt = async (): Promise<string> => `tcp://127.0.0.1:${await freePort()}`

describe('a message', async () => {
  const model = 'test-model'
  const [array, map] = await Promise.all([listen(), listen()])
  const on = ['--enable-kvcache', '--event-batch-size', '1', '--zmq-endpoint']
  const arrays = contractServer([...on, array.endpoint], { env, model })
  const maps = contractServer([...on, map.endpoint, '--use-vllm-map-event-format'], { env, model })

  // Dumps of the specification, from after the time stamp to before the rank.
  const tokens = ids(1, 32)
    .map(id => `ce${id.toString(16).padStart(8, '0')}`)
    .join('')
  const hashes = '92cf8464eee8f2cf3412cfead3c96aea607c7e'
  const text = (value: string): string => Buffer.from(value).toString('hex')
  const arrayBody = `9199ab${text('BlockStored')}${hashes}cf0000000000000000dc0020${tokens}10c0a3${text('GPU')}c0c0`
  const mapBody = [
    `9186a4${text('type')}ab${text('BlockStored')}ac${text('block_hashes')}${hashes}`,
    `b1${text('parent_block_hash')}c0a9${text('token_ids')}dc0020${tokens}`,
    `aa${text('block_size')}10a6${text('medium')}a3${text('GPU')}`,
  ].join('')

  test.each([
    ['array', array, arrays, arrayBody],
    ['map', map, maps, mapBody],
  ] as const)('in %s form is the reference’s, to the byte', async (_, { messages }, server, body) => {
    // The sockets find each other some time after the start; what was sent before is lost, as with every publisher.
    let tries = 0
    await eventually(async () => {
      await server.post('/v1/completions', { model, prompt: ids(1000 + 100 * tries++, 16), max_tokens: 1 })
      expect(messages.length).toBeGreaterThan(0)
    })
    const first = messages[0]!
    expect(first.topic).toBe(`kv@10.0.0.1:${server.port}@test-model`)
    expect(first.sequence).toBeGreaterThanOrEqual(1)
    await server.post('/v1/completions', { model, prompt: ids(1, 35), max_tokens: 1 })
    await eventually(async () => {
      const { payload } = messages.at(-1)!
      expect(payload.subarray(0, 2).toString('hex')).toBe('93cb')
      expect(Math.abs(payload.readDoubleBE(2) - Date.now() / 1000)).toBeLessThan(60)
      expect(payload.subarray(10).toString('hex')).toBe(`${body}00`)
    })
    const numbers = messages.map(one => one.sequence)
    expect(numbers).toEqual(numbers.map((_, at) => numbers[0]! + at))
  })
})

describe('block hashes', async () => {
  const endpoint = await replayAt()
  const server = contractServer(
    [
      ...['--enable-kvcache', '--block-size', '8', '--kv-events-replay-endpoint', endpoint, '--event-batch-size', '1'],
      ...['--zmq-endpoint', `tcp://127.0.0.1:${await freePort()}`, '--lora-modules', '{"name":"lora1"}'],
    ],
    { env: { ...env, PYTHONHASHSEED: '42' }, model: 'Qwen/Qwen2.5-1.5B-Instruct' },
  )

  test('are those of the specification, chained and with the adapter as the model; numbers begin at 1', async () => {
    const prompt = [0, 23, 24, 255, 256, 65535, 65536, 151643, 1, 2, 3, 4, 5, 6, 7, 8, 9]
    const ask = (model: string, prompt: number[]): Promise<unknown> =>
      server.post('/v1/completions', { model, prompt, max_tokens: 1 })
    await ask('Qwen/Qwen2.5-1.5B-Instruct', prompt)
    await ask('Qwen/Qwen2.5-1.5B-Instruct', prompt)
    await ask('Qwen/Qwen2.5-1.5B-Instruct', [...prompt.slice(0, 16), ...ids(50, 8)])
    await ask('lora1', prompt)
    await ask('lora1', [1, 2, 3])
    const list = await published(endpoint)
    expect(list.map(one => one.sequence)).toEqual([1, 2, 3])
    const [first, next, lora] = list.map(one => one.events[0] as Body)
    expect(first).toMatchObject({
      type: 'BlockStored',
      hashes: [556996586217303795n, 3014230869781648465n],
      blockSize: 8,
    })
    expect([...first.tokenIds]).toEqual(prompt.slice(0, 16))
    expect([...next.tokenIds]).toEqual(ids(50, 8))
    expect(next).toMatchObject({ parent: 3014230869781648465n })
    expect(lora).toMatchObject({ loraName: 'lora1', loraId: 1 })
    expect(lora.hashes[0]).not.toBe(first.hashes[0])
    expect(list[0]!.topic).toBe(`kv@10.0.0.1:${server.port}@Qwen/Qwen2.5-1.5B-Instruct`)
  })
})

describe('eviction', async () => {
  const endpoint = await replayAt()
  const server = contractServer(
    [
      ...['--enable-kvcache', '--block-size', '8', '--kv-cache-size', '4', '--event-batch-size', '1'],
      ...['--kv-events-replay-endpoint', endpoint, '--zmq-endpoint', `tcp://127.0.0.1:${await freePort()}`],
      ...['--time-to-first-token', '100ms'],
    ],
    { env },
  )

  test('takes the oldest unused prompt, its deepest block first; a prompt without room waits', async () => {
    await generate(server, ids(0, 16))
    await generate(server, ids(100, 16))
    await generate(server, ids(200, 16))
    const events = (await published(endpoint)).flatMap(one => one.events) as Body[]
    expect(events.map(one => one.type)).toEqual([
      'BlockStored',
      'BlockStored',
      'BlockRemoved',
      'BlockRemoved',
      'BlockStored',
    ])
    const [a1, a2] = events[0].hashes
    expect(events.slice(2, 4).map(one => one.hashes)).toEqual([[a2], [a1]])
    const answers = await Promise.all([300, 400, 500].map(from => generate(server, ids(from, 16))))
    expect(answers.map(one => one.choices?.[0].finish_reason)).toEqual(['length', 'length', 'length'])
    expect(await server.metric('vllm:kv_cache_usage_perc{model_name="m"}')).toBe(0)
  })
})

describe('use', () => {
  const server = contractServer(
    [
      ...['--enable-kvcache', '--block-size', '8', '--kv-cache-size', '16', '--zmq-endpoint', ''],
      ...['--time-to-first-token', '1s'],
    ],
    { env, standing: true },
  )

  test('is the share of referenced blocks; hits are counted in tokens', async () => {
    const usage = (): Promise<number | undefined> => server.metric('vllm:kv_cache_usage_perc{model_name="m"}')
    expect(await server.metrics()).toContain('vllm:cache_config_info{block_size="8",num_gpu_blocks="16"} 1')
    const answers = [ids(0, 12), [...ids(0, 8), 77], ids(500, 8)].map(one => generate(server, one))
    await loadBecomes(server, 3)
    expect(await usage()).toBe(0.125)
    const cached = (await server.clock.until(Promise.all(answers))).map(
      one => one.usage.prompt_tokens_details.cached_tokens,
    )
    expect(cached.sort()).toEqual([0, 0, 8])
    expect(await usage()).toBe(0)
    expect(await server.metric('vllm:prefix_cache_queries_total{model_name="m"}')).toBe(29)
    expect(await server.metric('vllm:prefix_cache_hits_total{model_name="m"}')).toBe(8)
    const again = await server.clock.until(generate(server, ids(0, 12), { n: 2 }))
    expect(again.choices).toHaveLength(2)
    expect(again.usage.prompt_tokens_details.cached_tokens).toBe(8)
  })
})

describe('cached tokens', () => {
  const server = contractServer(
    [
      ...['--enable-kvcache', '--block-size', '8', '--zmq-endpoint', ''],
      ...['--latency-calculator', 'per-token', '--prefill-time-per-token', '20ms'],
    ],
    { env, standing: true },
  )

  test('cost no prefill', async () => {
    const prompt = ids(0, 80)
    const { clock } = server
    const begun = clock.now()
    await clock.until(generate(server, prompt))
    expect(clock.now() - begun).toBe(1600)
    const { usage } = await generate(server, prompt)
    expect(usage.prompt_tokens_details.cached_tokens).toBe(80)
  })
})

describe('the threshold', () => {
  const own = contractServer(['--enable-kvcache', '--block-size', '8', '--zmq-endpoint', '', '--mode', 'echo'], { env })
  const global = contractServer(
    [
      ...['--enable-kvcache', '--block-size', '8', '--zmq-endpoint', '', '--mode', 'echo'],
      ...['--global-cache-hit-threshold', '0.5'],
    ],
    { env },
  )
  let prompts = 0
  /** Text of 20 tokens that nobody has asked for yet. */
  const fresh = (): string => Array.from({ length: 20 }, (_, at) => `w${prompts}x${at}`).join(' ') + prompts++

  test('of a request: refused while cold, served when it is in the cache by then', async () => {
    for (const [path, body] of [
      ['/v1/chat/completions', { messages: [{ role: 'user', content: fresh() }] }],
      ['/v1/completions', { prompt: fresh() }],
    ] as const) {
      const ask = async (threshold: number): Promise<Body> =>
        (await own.post(path, { model: 'm', ...body, cache_hit_threshold: threshold })).json
      const refused = await ask(0.5)
      expect(refused.choices[0].finish_reason).toBe('cache_threshold')
      expect(refused.choices[0].text ?? refused.choices[0].message.content ?? '').toBe('')
      expect(refused.usage).toMatchObject({ completion_tokens: 0 })
      const served = await ask(0.5)
      expect(served.choices[0].finish_reason).toBe('stop')
      expect(served.usage.prompt_tokens_details.cached_tokens).toBeGreaterThanOrEqual(16)
      expect((await ask(1)).choices[0].finish_reason).toBe('cache_threshold')
    }
    for (const threshold of [0, -1, 1.5]) {
      const { json } = await own.post('/v1/completions', {
        model: 'm',
        prompt: fresh(),
        cache_hit_threshold: threshold,
      })
      expect(json.choices[0].finish_reason).toBe('stop')
    }
  })

  test('for all requests, on every endpoint, streams included', async () => {
    const chat = async (more: object): Promise<Body> =>
      (
        await global.post('/v1/chat/completions', {
          model: 'm',
          messages: [{ role: 'user', content: fresh() }],
          ...more,
        })
      ).json.choices[0].finish_reason
    expect(await chat({})).toBe('cache_threshold')
    expect(await chat({ cache_hit_threshold: 0 })).toBe('stop')
    const { json: response } = await global.post('/v1/responses', { model: 'm', input: fresh() })
    expect(response).toMatchObject({ status: 'completed', output: [{ type: 'message' }] })
    expect(response.output[0].content?.[0]?.text ?? '').toBe('')
    const { json: generated } = await global.post('/inference/v1/generate', {
      ...{ model: 'm', token_ids: ids(900, 20), sampling_params: {} },
    })
    expect(generated.choices[0].finish_reason).toBe('cache_threshold')
    expect(generated.choices[0].token_ids ?? []).toEqual([])

    const list = await global.stream('/v1/responses', { model: 'm', input: fresh() })
    expect(list[0]!.event).toBe('response.created')
    expect(list.at(-1)!.event).toBe('response.completed')
    const frames = await global.stream('/inference/v1/generate', {
      ...{ model: 'm', token_ids: ids(700, 20), sampling_params: {} },
    })
    expect(frames.map(one => one.data.choices?.[0].finish_reason ?? one.data)).toEqual(['cache_threshold', '[DONE]'])
    const events = await global.stream('/v1/messages', {
      ...{ model: 'm', messages: [{ role: 'user', content: fresh() }], max_tokens: 5 },
    })
    expect([events[0]!.event, events.at(-1)!.event]).toEqual(['message_start', 'message_stop'])
    const several = await global.stream('/v1/completions', { model: 'm', prompt: [fresh(), fresh()] })
    const reasons = several.flatMap(one => one.data.choices ?? []).map((one: Body) => one.finish_reason)
    expect(reasons.filter(Boolean)).toEqual(['cache_threshold', 'cache_threshold'])
    const success = 'vllm:request_success_total{finish_reason="cache_threshold",model_name="m"}'
    expect(await global.metric(success)).toBe(8)
  })
})

describe('sleep', async () => {
  const endpoint = await replayAt()
  const server = contractServer(
    [
      ...['--enable-sleep-mode', '--enable-kvcache', '--block-size', '8', '--event-batch-size', '1'],
      ...['--kv-events-replay-endpoint', endpoint, '--zmq-endpoint', `tcp://127.0.0.1:${await freePort()}`],
    ],
    { env: { ...env, VLLM_SERVER_DEV_MODE: '1' } },
  )

  test('empties the cache and numbers its events on', async () => {
    const call = async (path: string): Promise<void> => {
      const reply = await server.post(path, '')
      expect([reply.status, reply.text]).toEqual([200, ''])
    }
    const asleep = async (): Promise<string> => (await server.get('/is_sleeping')).text
    const ask = async (): Promise<number> =>
      (await generate(server, ids(0, 16))).usage.prompt_tokens_details.cached_tokens
    expect(await asleep()).toBe('{"is_sleeping":false}')
    await ask()
    await call('/sleep?level=1')
    expect(await asleep()).toBe('{"is_sleeping":true}')
    expect(await server.metric('vllm:kv_cache_usage_perc{model_name="m"}')).toBe(0)
    expect([await ask(), await ask()]).toEqual([0, 0])
    await call('/wake_up')
    expect(await asleep()).toBe('{"is_sleeping":false}')
    expect([await ask(), await ask()]).toEqual([0, 16])
    await call('/sleep')
    await call('/wake_up?tags=weights')
    expect(await asleep()).toBe('{"is_sleeping":false}')
    expect([await ask(), await ask()]).toEqual([0, 0])
    await call('/wake_up?tags=kv_cache')
    expect([await ask(), await ask()]).toEqual([0, 16])
    const list = await published(endpoint)
    expect(list.map(one => [one.sequence, ...one.events.map(event => event.type)])).toEqual([
      [1, 'BlockStored'],
      [2, 'AllBlocksCleared'],
      [3, 'BlockStored'],
      [4, 'AllBlocksCleared'],
      [5, 'BlockStored'],
    ])
    expect((await published(endpoint, 4)).map(one => one.sequence)).toEqual([4, 5])
    expect(await published(endpoint, 99)).toEqual([])
  })
})

describe('ranks', async () => {
  const base = await freePort(3)
  const listeners = await Promise.all([0, 1, 2].map(rank => listen(base + rank)))
  const server = contractServer(
    [
      ...['--data-parallel-size', '3', '--enable-kvcache', '--block-size', '8', '--event-batch-size', '1'],
      ...['--zmq-endpoint', `tcp://127.0.0.1:${base}`, '--seed', '3', '--log-level', 'error'],
    ],
    { env: { ...env, POD_NAME: 'pod-1' }, ports: 3 },
  )

  test('serve on ports of their own and publish to endpoints of their own', async () => {
    const texts: string[] = []
    for (const rank of [0, 1, 2]) {
      const url = `http://127.0.0.1:${server.port + rank}`
      const ask = (prompt: unknown): Promise<Response> =>
        fetch(`${url}/v1/completions`, { method: 'POST', body: JSON.stringify({ model: 'm', prompt, max_tokens: 9 }) })
      const answer = await ask('same')
      expect(answer.headers.get('x-inference-port')).toBe(String(server.port + rank))
      texts.push(((await answer.json()) as Body).choices[0].text)
      let tries = 0
      await eventually(async () => {
        await (await ask(ids(100 * tries++, 8))).text()
        expect(listeners[rank]!.messages.length).toBeGreaterThan(0)
      })
      expect(listeners[rank]!.messages[0]).toMatchObject({ topic: `kv@10.0.0.1:${server.port + rank}@m`, rank })
      const known = (await (await fetch(`${url}/query`)).json()) as Record<string, { engine_id: string }>
      expect(Object.keys(known)).toEqual(['0', '1', '2'])
      expect(await (await fetch(`${url}/query`)).json()).toEqual(known)
    }
    expect(new Set(texts).size).toBe(1)
  })
})
