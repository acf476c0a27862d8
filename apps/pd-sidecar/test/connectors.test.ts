import { once } from 'node:events'
import { seededRandom, VirtualClock } from '@vllm-sim/latency'
import { describe, expect, test } from 'vitest'
import { PeerNames } from '../src/connectors/peer-names.ts'
import { type Answerer, decoded, json, mock, prefilled } from './mock.ts'
import { chat, counted, post, sidecar } from './sidecar.ts'

async function pair(
  args: string[],
  prefiller: Answerer = json({}),
  decoder: Answerer = json(decoded),
  env: Record<string, string> = {},
) {
  const p = await mock(prefiller)
  const d = await mock(decoder)
  const s = await sidecar(d.port, args, { random: seededRandom(1) }, env)
  const ask = (body: unknown, headers: Record<string, string> = {}, path?: string) =>
    post(s.url, body, { 'x-prefiller-host-port': p.host, ...headers }, path)
  const params = (side: typeof p, index = 0) => side.seen[index]!.body['kv_transfer_params'] as Record<string, never>
  return { p, d, s, ask, params }
}

const limits = { max_tokens: 50, max_completion_tokens: 100 }
const capped = { max_tokens: 1, max_completion_tokens: 1, stream: false }

test('a connector is a function: another one can take its place', async () => {
  const d = await mock()
  const seen: string[] = []
  const connector = () => ({
    name: 'fake',
    pulls: false,
    async serve(prefill: { prefiller: { host: string }; call: { decode(body: readonly Buffer[]): Promise<void> } }) {
      seen.push(prefill.prefiller.host)
      await prefill.call.decode([Buffer.from('{"fake":true}')])
    },
  })
  const s = await sidecar(d.port, [], { connector })
  await post(s.url, chat, { 'x-prefiller-host-port': 'somewhere:1' })
  expect([seen, d.seen[0]!.text]).toEqual([['somewhere'], '{"fake":true}'])
})

test('none: the decoder does it all', async () => {
  const { p, d, ask } = await pair(['--kv-connector=none'])
  expect((await ask('{"a"')).status).toBe(200)
  expect([p.seen.length, d.seen[0]!.text]).toEqual([0, '{"a"'])
})

describe('shared storage', () => {
  const below: Answerer = json({ choices: [{ finish_reason: 'cache_threshold' }] }, 200, { 'x-first': '1' })
  const stream =
    (reason: string | null): Answerer =>
    (_seen, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream', 'x-first': '1' })
      res.write('data: {"choices":[{"delta":{"role":"assistant"}}]}\n\n')
      res.end(`data: {"choices":[{"finish_reason":${JSON.stringify(reason)}}]}\n\ndata: [DONE]\n\n`)
    }

  test('prefill, then decode, with threshold 0', async () => {
    const { p, d, ask } = await pair(['--kv-connector=shared-storage'])
    await ask({ ...chat, ...limits, stream: true })
    expect(p.seen.map(one => one.body)).toEqual([{ ...chat, ...capped, cache_hit_threshold: 0 }])
    expect(d.seen.map(one => one.body)).toEqual([{ ...chat, ...limits, stream: true, cache_hit_threshold: 0 }])
  })

  test.each([false, true])('decodes first, and that is enough (streamed %s)', async streamed => {
    const enough = streamed ? stream(null) : json({ choices: [{ finish_reason: 'stop' }] })
    const { p, d, s, ask } = await pair(['--kv-connector=shared-storage'], json({}), enough)
    const answer = await ask({ ...chat, stream: streamed, cache_hit_threshold: 0.5 })
    expect(await answer.text()).toContain(streamed ? 'data: [DONE]' : '"stop"')
    expect([p.seen.length, d.seen.length, d.seen[0]!.body['cache_hit_threshold']]).toEqual([0, 1, 0.5])
    await expect.poll(() => counted(s, 'decode_duration_seconds_count')).toBe(1)
  })

  test.each([false, true])('decodes first, and that is not enough (streamed %s)', async streamed => {
    const first = streamed ? stream('cache_threshold') : below
    const second: Answerer = (seen, res, index) => (index === 0 ? first : json({ second: true }))(seen, res, index)
    const { p, d, ask } = await pair(['--kv-connector=shared-storage'], json({}), second)
    const answer = await ask({ ...chat, stream: streamed, cache_hit_threshold: 0.5 })
    expect([await answer.json(), answer.headers.get('x-first')]).toEqual([{ second: true }, null])
    expect([p.seen.length, d.seen.length, d.seen[1]!.body['cache_hit_threshold']]).toEqual([1, 2, 0])
  })

  test('an error of the first decode is the client’s, and so is one of the prefiller', async () => {
    const bad = await pair(['--kv-connector=shared-storage'], json({}), json({ error: 1 }, 418, { 'x-a': 'b' }))
    const answer = await bad.ask({ ...chat, cache_hit_threshold: 0 })
    expect([answer.status, answer.headers.get('x-a'), bad.p.seen.length]).toEqual([418, 'b', 0])
    const failing = await pair(['--kv-connector=shared-storage'], json({ error: 2 }, 500), below)
    const second = await failing.ask({ ...chat, cache_hit_threshold: 0 })
    expect([second.status, await second.json(), second.headers.get('x-first')]).toEqual([500, { error: 2 }, null])
  })
})

describe('sglang', () => {
  test('the same body to both, with a room', async () => {
    const { p, d, ask } = await pair(['--kv-connector=sglang', '--sglang-bootstrap-port=9001'])
    await ask({ ...chat, stream: true }, {}, '/v1/messages')
    await p.request(0)
    expect(p.seen[0]!.text).toBe(d.seen[0]!.text)
    expect(p.seen[0]!.body).toMatchObject({ ...chat, stream: true, bootstrap_host: '127.0.0.1', bootstrap_port: 9001 })
    expect(p.seen[0]!.text).toMatch(/"bootstrap_room":[1-9]\d{5,18}[,}]/)
  })

  test('the prefill leg outlives the answer, and the client', async () => {
    const ended = Promise.withResolvers<boolean>()
    const release = Promise.withResolvers<void>()
    const slow: Answerer = (_seen, res) => {
      void once(res, 'close').then(() => ended.resolve(res.writableFinished))
      void release.promise.then(() => res.end('{}'))
    }
    const { p, s, ask } = await pair(['--kv-connector=sglang'], slow)
    expect((await ask(chat)).status).toBe(200)
    await p.request(0)
    release.resolve()
    expect(await ended.promise).toBe(true)
    await expect.poll(() => counted(s, 'prefill_duration_seconds_count')).toBe(1)
  })

  test('a prefill that fails ends a decode that would wait in vain', async () => {
    const closed = Promise.withResolvers<void>()
    const asked = Promise.withResolvers<void>()
    const gated: Answerer = (_seen, res) => {
      void once(res, 'close').then(() => closed.resolve())
      asked.resolve()
    }
    const failing: Answerer = (...all) => void asked.promise.then(() => json({ error: 'no' }, 500)(...all))
    const { ask } = await pair(['--kv-connector=sglang'], failing, gated)
    const answer = await ask(chat)
    expect([answer.status, await answer.json()]).toEqual([500, { error: 'no' }])
    await closed.promise
  })
})

describe('mooncake', () => {
  const engines = { 0: { engine_id: 'e0' }, 1: { engine_id: 'e1' } }
  const answers =
    (query: Answerer): Answerer =>
    (seen, res, index) =>
      (seen.url === '/query' ? query : json({}))(seen, res, index)
  const withPort = async (query: Answerer, clock?: VirtualClock) => {
    const p = await mock(answers(query))
    const d = await mock(json(decoded))
    const args = ['--kv-connector=mooncake', `--mooncake-bootstrap-port=${p.port}`]
    const s = await sidecar(d.port, args, { random: seededRandom(1), ...(clock ? { clock } : {}) })
    const ask = () => post(s.url, { ...chat, ...limits }, { 'x-prefiller-host-port': p.host })
    const legs = () => p.seen.filter(one => one.url !== '/query')
    return { p, d, s, ask, legs, queries: () => p.seen.length - legs().length }
  }

  test('both legs have one id; rank and engine belong together', async () => {
    const { p, d, ask, legs, queries } = await withPort(json(engines))
    for (let i = 0; i < 6; i++) await ask()
    await expect.poll(() => legs().length).toBe(6)
    const ranks = new Set<unknown>()
    for (const { body } of d.seen) {
      const params = body['kv_transfer_params'] as Record<string, string>
      const leg = legs().find(
        one => (one.body['kv_transfer_params'] as Record<string, string>)['transfer_id'] === params['transfer_id'],
      )!
      expect(params).toEqual({
        do_remote_prefill: true,
        do_remote_decode: false,
        transfer_id: expect.stringMatching(/^xfer-[\da-f-]{36}$/),
        remote_bootstrap_addr: `http://${p.host}`,
        remote_engine_id: `e${leg.headers['x-data-parallel-rank']}`,
      })
      expect(leg.body).toMatchObject({
        ...capped,
        kv_transfer_params: { do_remote_prefill: false, do_remote_decode: true },
      })
      expect(body).toMatchObject(limits)
      ranks.add(params['remote_engine_id'])
    }
    expect([ranks.size, queries()]).toEqual([2, 1])
  })

  test.each([
    [json({}, 500), 'bootstrap endpoint returned status 500'],
    [json('no JSON'), "failed to parse bootstrap response: unexpected 'o' at byte 1 in null"],
    [json({ 0: {} }), 'engine_id not found in bootstrap response'],
    [((_seen, res) => res.destroy()) as Answerer, 'failed to query bootstrap endpoint: EOF'],
  ])('a bootstrap server that does not help is a 502: %#', async (query, message) => {
    const { ask, d } = await withPort(query)
    const answer = await ask()
    expect([answer.status, d.seen.length]).toEqual([502, 0])
    expect(await answer.json()).toMatchObject({ type: 'BadGateway', message: expect.stringContaining(message) })
  })

  test('engines are asked for again after a while', async () => {
    const clock = new VirtualClock()
    const { ask, queries } = await withPort(json(engines), clock)
    await ask()
    clock.advance(59_000)
    await ask()
    expect(queries()).toBe(1)
    clock.advance(2_000)
    await ask()
    expect(queries()).toBe(2)
  })
})

describe('offloading', () => {
  test('prefills, then decodes under one id', async () => {
    const { p, d, ask, params } = await pair(['--kv-connector=offloading'])
    await ask({ ...chat, ...limits })
    const id = expect.stringMatching(/^[\da-f-]{36}$/)
    expect(params(p)).toEqual({ remote_decoder: { kv_request_id: id } })
    expect(p.seen[0]!.body).toMatchObject(capped)
    expect(params(d)).toEqual({
      remote_prefiller: {
        kv_request_id: params(p)['remote_decoder']!['kv_request_id'],
        remote_host: '127.0.0.1',
        remote_port: 7777,
      },
    })
    expect(d.seen[0]!.body).toMatchObject(limits)
  })

  test('a prefill error is the client’s; with --offloading-concurrent both start together', async () => {
    const { d, ask } = await pair(['--kv-connector=offloading'], json({ error: 1 }, 503))
    expect([(await ask(chat)).status, d.seen.length]).toEqual([503, 0])
    const both = await pair(['--kv-connector=offloading', '--offloading-concurrent'], () => {})
    expect((await both.ask(chat)).status).toBe(200)
  })
})

describe('a prefix of a peer', () => {
  const source = { 'x-kv-cache-source-host-port': '10.0.0.9:8000' }
  const block = { remote_kv_source: { kv_request_id: expect.any(String), remote_host: '10.0.0.9', remote_port: 7777 } }

  test('goes to the decoder alone, or to the prefill leg', async () => {
    const { p, d, s, ask, params } = await pair(['--kv-connector=offloading'])
    await post(s.url, { ...chat, kv_transfer_params: { a: 1 } }, source)
    expect(d.seen[0]!.body).toEqual({ ...chat, kv_transfer_params: block })
    await ask(chat, source)
    expect(params(p)).toEqual({ ...block, remote_decoder: expect.anything() })
    expect(Object.keys(params(d, 1))).toEqual(['remote_prefiller'])
  })

  test('the newer spelling of the header counts too; the prefiller itself is no peer', async () => {
    const { p, s, ask, params } = await pair(['--enable-p2p-pull'], json(prefilled))
    await ask(chat, { 'x-llm-d-kv-cache-source-host-port': '10.0.0.9:8000' })
    expect(params(p)).toMatchObject({ do_remote_decode: true, ...block })
    await ask(chat, { 'x-kv-cache-source-host-port': p.host })
    expect(params(p, 1)).not.toHaveProperty('remote_kv_source')
    void s
  })

  test.each(['not-a-host-port', ':8000', 'http://a:1', '127.0.0.1:{port}'])('%s changes nothing', async text => {
    const { d, s } = await pair(['--kv-connector=offloading'], json({}), json({}), { POD_IP: '127.0.0.1' })
    // The port of a test is not known ahead, so this one is not the listener's.
    await post(s.url, '{"a"', { 'x-kv-cache-source-host-port': text.replace('{port}', '0') })
    expect(d.seen[0]!.text).toBe('{"a"')
  })

  test.each([[[]], [['--kv-connector=sglang']], [['--kv-connector=shared-storage']]])(
    'without the tier (%j) changes nothing',
    async args => {
      const { d, s } = await pair(args)
      await post(s.url, '{"a"', source)
      expect(d.seen[0]!.text).toBe('{"a"')
    },
  )
})

describe('MoRI-IO', () => {
  const write = ['--moriio-write-mode', '--moriio-local-pod-ip=10.0.0.1']
  const wide = ['--moriio-dp-size=8']

  test('the prefiller pushes to the decoder', async () => {
    const { p, d, ask, params } = await pair(write, json(prefilled))
    const answer = await ask(chat)
    expect(await answer.json()).toMatchObject({ usage: { prompt_tokens_details: { cached_tokens: 7 } } })
    expect(params(p)).toMatchObject({
      do_remote_decode: true,
      remote_host: '10.0.0.1',
      remote_port: null,
      remote_notify_port: 61005,
      remote_handshake_port: 6301,
      remote_dp_rank: 0,
      transfer_id: expect.stringMatching(/^tx/),
    })
    expect(params(d)).toEqual({
      ...prefilled.kv_transfer_params,
      transfer_id: params(p)['transfer_id'],
      remote_notify_port: 61005,
      remote_handshake_port: 6301,
      remote_dp_rank: 0,
      remote_dp_rank_override: true,
      remote_dp_size: 1,
    })
    expect(p.seen[0]!.headers['x-data-parallel-rank']).toBeUndefined()
  })

  test.each([
    [3, 3],
    [0, 0],
    ['two', undefined],
    [3.5, undefined],
    [8, undefined],
    [-1, undefined],
    [undefined, undefined],
  ])('rank %j of the answer: %j', async (remote_dp_rank, used) => {
    const { p, d, ask, params } = await pair([...write, ...wide], json({ kv_transfer_params: { remote_dp_rank } }))
    await ask(chat)
    const rank = used ?? params(p)['remote_dp_rank']
    expect(params(d)).toMatchObject({ remote_dp_rank: rank, remote_dp_rank_override: true, remote_dp_size: 8 })
    expect(d.seen[0]!.headers['x-data-parallel-rank']).toBe(String(rank))
    expect(p.seen[0]!.headers['x-data-parallel-rank']).toBe(String(params(p)['remote_dp_rank']))
  })

  test('several pods a side', async () => {
    const hosts = [
      '--moriio-dp-size=16',
      '--moriio-dp-size-local=8',
      '--moriio-remote-hosts=10.1.0.1,10.1.0.2',
      '--moriio-decode-hosts=10.2.0.1,10.2.0.2',
    ]
    const { p, d, ask, params } = await pair([...write, ...hosts], json(prefilled))
    await ask(chat)
    expect(params(p)).toMatchObject({ remote_hosts: ['10.2.0.1', '10.2.0.2'], remote_dp_size_local: 8 })
    expect(params(d)).toMatchObject({ remote_hosts: ['10.1.0.1', '10.1.0.2'], remote_dp_size_local: 8 })
  })

  const parallel = [...write, ...wide, '--moriio-parallel-dispatch']

  test('both legs at once', async () => {
    const { p, d, ask, params } = await pair(parallel, json(prefilled), (_seen, res) => {
      res.writeHead(200, { 'content-type': 'text/event-stream' }).end('data: [DONE]\n\n')
    })
    expect(await (await ask({ ...chat, stream: true })).text()).toBe('data: [DONE]\n\n')
    expect(params(d)).toMatchObject({
      do_remote_prefill: true,
      remote_engine_id: '127.0.0.1:6301',
      remote_block_ids: [],
      remote_port: 6301,
      transfer_id: params(p)['transfer_id'],
      remote_dp_rank: params(p)['remote_dp_rank'],
    })
    expect(d.seen[0]!.headers['x-data-parallel-rank']).toBe(p.seen[0]!.headers['x-data-parallel-rank'])
  })

  test('a prefill that fails is the answer, one that is late is a 504', async () => {
    const failing = await pair(parallel, json({ error: 'p' }, 500))
    const first = await failing.ask(chat)
    expect([first.status, await first.json()]).toEqual([500, { error: 'p' }])
    const gated = await pair(
      [...parallel, '--moriio-parallel-decode-wait-timeout=50ms'],
      () => {},
      () => {},
    )
    const second = await gated.ask(chat)
    expect([second.status, await second.json()]).toEqual([
      504,
      { error: 'decode aborted: prefill did not complete within the MoRI-IO parallel-dispatch KV-wait timeout' },
    ])
  })

  test('names of peers', async () => {
    const clock = new VirtualClock()
    let lookups = 0
    const told: string[] = []
    let answer: Promise<string[]> = Promise.resolve(['::5', '10.0.0.5'])
    const names = new PeerNames(
      clock,
      () => {
        lookups++
        return answer
      },
      30_000,
      { again: () => told.push('again'), changed: () => told.push('changed'), failed: () => told.push('failed') },
    )
    expect([await names.resolve('10.9.9.9'), lookups]).toEqual(['10.9.9.9', 0])
    expect(await Promise.all([names.resolve('a'), names.resolve('a')])).toEqual(['10.0.0.5', '10.0.0.5'])
    expect(lookups).toBe(1)
    clock.advance(31_000)
    answer = Promise.resolve(['10.0.0.6'])
    expect(await names.resolve('a')).toBe('10.0.0.5')
    await expect.poll(() => names.resolve('a')).toBe('10.0.0.6')
    answer = Promise.reject(new Error('no such name'))
    answer.catch(() => {})
    expect(await names.resolve('b')).toBe('b')
    clock.advance(31_000)
    expect(await names.resolve('a')).toBe('10.0.0.6')
    await expect.poll(() => told).toEqual(['again', 'changed', 'failed', 'again', 'failed'])
  })
})
