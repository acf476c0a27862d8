import { once } from 'node:events'
import { describe, expect, test } from 'vitest'
import { type Answerer, decoded, json, mock, nixlPrefiller, prefilled } from './mock.ts'
import { chat, counted, post, sidecar } from './sidecar.ts'

const image = (url: string) => ({ type: 'image_url', image_url: { url } })
const audio = { type: 'input_audio', input_audio: { data: 'AA', format: 'wav' } }
const withMedia = (...parts: object[]) => ({
  ...chat,
  messages: [{ role: 'user', content: [{ type: 'text', text: 'x' }, ...parts] }],
})

async function stages(args: string[], encoder: Answerer = json({}), prefiller = nixlPrefiller) {
  const e = await mock(encoder)
  const p = await mock(prefiller)
  const d = await mock(json(decoded))
  const s = await sidecar(d.port, args)
  const ask = (body: unknown, headers: Record<string, string> = {}, path?: string) =>
    post(s.url, body, { 'x-encoder-hosts-ports': e.host, ...headers }, path)
  return { e, p, d, s, ask }
}

const nixl = ['--ec-connector=ec-nixl']

describe('items', () => {
  test.each([
    [[], 0],
    [[image('http://a/1')], 1],
    [[image('http://a/1'), audio], 2],
    [[{ type: 'video_url', video_url: { url: 'http://a/v' } }], 1],
    [[{ type: 'image_embeds', image_embeds: 'AA' }], 0],
    [[image('http://a/1'), image('http://a/1')], 1],
    [[audio, audio], 2],
  ])('%j: %i', async (parts, calls) => {
    const { e, d, s, ask } = await stages(nixl)
    expect((await ask(withMedia(...parts))).status).toBe(200)
    expect([e.seen.length, d.seen[0]!.body['cache_hit_threshold']]).toEqual([calls, 0])
    expect(counted(s, 'disagg_requests_total{disagg_type="encode-decode"}')).toBe(1)
  })

  test('each is a request of its own', async () => {
    const { e, ask } = await stages(nixl)
    await ask(
      { ...withMedia(image('http://a/1'), audio), stream: true, seed: 1 },
      { authorization: 'Bearer x', 'x-request-id': 'mine' },
    )
    expect(e.seen.map(one => one.body).sort((a, b) => JSON.stringify(b).length - JSON.stringify(a).length)).toEqual(
      [audio, image('http://a/1')].map(part => ({
        model: 'm',
        messages: [{ role: 'user', content: [part] }],
        max_tokens: 1,
        max_completion_tokens: 1,
        stream: false,
        seed: 1,
      })),
    )
    expect(e.seen.map(one => one.headers['x-request-id']).sort()).toEqual(['mine-enc-0', 'mine-enc-1'])
    for (const { url, headers } of e.seen)
      expect([url, headers.authorization]).toEqual(['/v1/chat/completions', 'Bearer x'])
  })

  test('also of Responses and Messages', async () => {
    const { e, ask } = await stages(nixl)
    await ask(
      { model: 'm', input: [{ role: 'user', content: [{ type: 'input_image', image_url: 'http://a/1' }] }] },
      {},
      '/v1/responses',
    )
    const source = { type: 'base64', media_type: 'image/png', data: 'AA' }
    await ask({ model: 'm', messages: [{ role: 'user', content: [{ type: 'image', source }] }] }, {}, '/v1/messages')
    expect(e.seen.map(one => (one.body['messages'] as { content: unknown[] }[])[0]!.content)).toEqual([
      [image('http://a/1')],
      [image('data:image/png;base64,AA')],
    ])
  })
})

describe('what encoders say', () => {
  test('goes to both legs', async () => {
    const by = (index: number) => ({ [`h${index}`]: { peer_port: index, n: 1 } })
    const { p, d, s, ask } = await stages(nixl, (seen, res, index) =>
      json(index === 2 ? {} : { ec_transfer_params: by(index) })(seen, res, 0),
    )
    await ask(withMedia(image('http://a/1'), image('http://a/2'), audio), { 'x-prefiller-host-port': p.host })
    const params = { ...by(0), ...by(1) }
    expect([p.seen[0]!.body['ec_transfer_params'], d.seen[0]!.body['ec_transfer_params']]).toEqual([params, params])
    expect(d.seen[0]!.body).toMatchObject({ cache_hit_threshold: 0, kv_transfer_params: prefilled.kv_transfer_params })
    expect(counted(s, 'disagg_requests_total{disagg_type="encode-prefill-decode"}')).toBe(1)
    expect(counted(s, 'encode_duration_seconds_count')).toBe(1)
  })

  test('is nothing with ec-example; with none of it there is no member', async () => {
    const example = await stages(['--ec-connector=ec-example'], json('no JSON'))
    expect((await example.ask(withMedia(audio))).status).toBe(200)
    const none = await stages(nixl, json({ ec_transfer_params: null }))
    await none.ask(withMedia(audio))
    for (const { d } of [example, none]) expect(d.seen[0]!.body).not.toHaveProperty('ec_transfer_params')
  })

  test('a prefiller with shared storage is used, though the threshold is 0', async () => {
    const { p, d, ask } = await stages(
      ['--ec-connector=ec-example', '--kv-connector=shared-storage'],
      json({}),
      json({}),
    )
    await ask(withMedia(audio), { 'x-prefiller-host-port': p.host })
    expect([p.seen.length, d.seen.length]).toEqual([1, 1])
  })
})

describe('an encoder that fails', () => {
  test('is a 502; the others are given up', async () => {
    const closed = Promise.withResolvers<void>()
    const gated = Promise.withResolvers<void>()
    const { d, s, ask } = await stages(nixl, (seen, res, index) => {
      if (index > 0) {
        void once(res, 'close').then(() => closed.resolve())
        gated.resolve()
      } else void gated.promise.then(() => json('no', 500)(seen, res, 0))
    })
    const answer = await ask(withMedia(image('http://a/1'), image('http://a/2')))
    expect([answer.status, d.seen.length]).toEqual([502, 0])
    expect(await answer.json()).toMatchObject({
      type: 'BadGateway',
      message: expect.stringMatching(/^encoder request failed for item \d with status 500: no$/),
    })
    await closed.promise
    expect(counted(s, 'request_errors_total{stage="encode"}')).toBe(1)
  })

  test('says what is no JSON', async () => {
    const { ask } = await stages(nixl, json('no'))
    expect(await (await ask(withMedia(audio))).json()).toMatchObject({
      message: expect.stringMatching(/^failed to parse encoder response for item 0: /),
    })
  })
})

test('without an encode connector encoders are not asked; names that are none are dropped', async () => {
  const { e, d, s } = await stages([])
  await post(s.url, withMedia(audio), { 'x-encoder-hosts-ports': e.host })
  const other = await stages(nixl)
  await post(other.s.url, withMedia(audio), { 'x-encoder-hosts-ports': ` , ftp://x:1, :5` })
  expect([e.seen.length, other.e.seen.length, d.seen.length]).toEqual([0, 0, 1])
  expect(d.seen[0]!.headers['x-encoder-hosts-ports']).toBeUndefined()
})
