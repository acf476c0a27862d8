import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import { describe, expect, test } from 'vitest'
import { decoded, json, mock, nixlPrefiller, prefilled } from './mock.ts'
import { chat, counted, post, sidecar } from './sidecar.ts'

const nulls = {
  do_remote_decode: true,
  do_remote_prefill: false,
  remote_engine_id: null,
  remote_block_ids: null,
  remote_host: null,
  remote_port: null,
}

/** A pair behind a sidecar. */
async function pair({ args = [] as string[], prefiller = nixlPrefiller, decoder = json(decoded) } = {}) {
  const p = await mock(prefiller)
  const d = await mock(decoder)
  const s = await sidecar(d.port, args)
  const ask = (body: unknown, headers: Record<string, string> = {}, path?: string) =>
    post(s.url, body, { 'x-prefiller-host-port': p.host, ...headers }, path)
  return { p, d, s, ask }
}

describe('the two legs', () => {
  test('of a streamed chat request', async () => {
    const { p, d, s, ask } = await pair()
    const answer = await ask({ ...chat, stream: true, stream_options: { include_usage: true }, min_tokens: 5 })
    expect(answer.status).toBe(200)
    expect(await answer.json()).toMatchObject({ usage: { prompt_tokens_details: { cached_tokens: 7 } } })
    const messages = chat.messages
    expect(p.seen.map(one => one.body)).toEqual([
      { model: 'm', messages, max_tokens: 1, max_completion_tokens: 1, stream: false, kv_transfer_params: nulls },
    ])
    expect(d.seen.map(one => one.body)).toEqual([
      {
        ...chat,
        stream: true,
        stream_options: { include_usage: true },
        min_tokens: 5,
        kv_transfer_params: prefilled.kv_transfer_params,
      },
    ])
    expect(p.seen[0]!.headers['x-request-id']).toMatch(/^[\da-f-]{36}$/)
    expect(d.seen[0]!.headers['x-request-id']).toBe(p.seen[0]!.headers['x-request-id'])
    for (const { headers } of [...p.seen, ...d.seen]) expect(headers['x-prefiller-host-port']).toBeUndefined()
    expect(counted(s, 'requests_total{api_type="chat_completions"}')).toBe(1)
    expect(counted(s, 'disagg_requests_total{disagg_type="prefill-decode"}')).toBe(1)
    expect(counted(s, 'prefill_duration_seconds_count')).toBe(1)
    expect(counted(s, 'decode_duration_seconds_count')).toBe(1)
  })

  test.each([
    ['/v1/completions', { max_tokens: 9 }, { max_tokens: 1 }],
    ['/v1/messages', { max_tokens: 9 }, { max_tokens: 1 }],
    ['/v1/responses', { max_output_tokens: 9 }, { max_output_tokens: 1, store: false }],
    ['/v1/responses', {}, { max_output_tokens: 1, store: false }],
    [
      '/inference/v1/generate',
      { sampling_params: { temperature: 0, min_tokens: 3 } },
      { sampling_params: { temperature: 0, max_tokens: 1 } },
    ],
    ['/inference/v1/generate', {}, { sampling_params: { max_tokens: 1 } }],
    ['/generate', {}, { max_tokens: 1, max_completion_tokens: 1 }],
    ['//v1//chat/completions/', { max_completion_tokens: 100 }, { max_tokens: 1, max_completion_tokens: 1 }],
  ])('of %s %j', async (path, body, expected) => {
    const { p, d, ask } = await pair()
    expect((await ask(body, {}, `${path}?a=b`)).status).toBe(200)
    expect(p.seen[0]!.body).toEqual({ ...body, ...expected, stream: false, kv_transfer_params: nulls })
    expect(d.seen[0]!.body).toEqual({ ...body, kv_transfer_params: prefilled.kv_transfer_params })
    const clean = `${path.replace(/\/+/g, '/').replace(/\/$/, '')}?a=b`
    expect([p.seen[0]!.url, d.seen[0]!.url]).toEqual([clean, clean])
  })

  test('keep order, digits and the client’s id', async () => {
    const { p, d, ask } = await pair()
    const text = `{"z": 1, "seed": 9007199254740993, "n": ${'9'.repeat(400)}, "kv_transfer_params": {"a": 1}, "model":"m"}`
    await ask(text, { 'x-request-id': 'mine', authorization: 'Bearer x' })
    for (const seen of [p.seen[0]!, d.seen[0]!]) {
      expect(seen.text).toContain(`"z": 1, "seed": 9007199254740993, "n": ${'9'.repeat(400)}, "kv_transfer_params": {`)
      expect(seen.headers['x-request-id']).toBe('mine')
      expect(seen.headers.authorization).toBe('Bearer x')
    }
    expect(d.seen[0]!.text).not.toContain('"a": 1')
  })

  test('of a client that offers HTTP/2 with its request', async () => {
    const { p, d, s } = await pair()
    const headers = {
      'x-prefiller-host-port': p.host,
      connection: 'Upgrade, HTTP2-Settings',
      upgrade: 'h2c',
      'http2-settings': 'AAM',
    }
    const req = request(`${s.url}/v1/chat/completions`, { method: 'POST', headers })
    req.end(JSON.stringify(chat))
    const [res] = (await once(req, 'response')) as [IncomingMessage]
    res.resume()
    expect([res.statusCode, p.seen.length, d.seen.length]).toEqual([200, 1, 1])
    expect(d.seen[0]!.headers['http2-settings']).toBeUndefined()
  })

  test('the newer spelling of the header, http:// before the target', async () => {
    const { p, s } = await pair()
    await post(s.url, chat, { 'x-llm-d-prefiller-host-port': `http://${p.host}` })
    expect(p.seen).toHaveLength(1)
  })
})

describe('a prefiller that fails', () => {
  const failing = (times: number, status: number) => (seen: never, res: never, index: number) =>
    (index < times ? json({ error: 'no' }, status, { 'retry-after': '7' }) : nixlPrefiller)(seen, res, index)

  test.each([502, 503, 504])('once with %i is asked again', async status => {
    const { p, d, s, ask } = await pair({
      args: ['--prefill-max-retries=2', '--prefill-retry-backoff=1ms'],
      prefiller: failing(1, status) as never,
    })
    expect((await ask(chat)).status).toBe(200)
    expect([p.seen.length, d.seen.length, counted(s, 'prefill_retries_total')]).toEqual([2, 1, 1])
    expect(d.seen[0]!.body['kv_transfer_params']).toEqual(prefilled.kv_transfer_params)
  })

  test.each([
    [0, 502, 1],
    [2, 502, 3],
    [2, 500, 1],
    [2, 429, 1],
    [2, 302, 1],
  ])(
    'with %i retries and always %i is asked %3$i times, and its answer is the client’s',
    async (retries, status, calls) => {
      const { p, d, s } = await pair({
        args: [`--prefill-max-retries=${retries}`, '--prefill-retry-backoff=1ms'],
        prefiller: failing(9, status) as never,
      })
      const answer = await fetch(`${s.url}/v1/chat/completions`, {
        method: 'POST',
        redirect: 'manual',
        headers: { 'x-prefiller-host-port': p.host },
        body: JSON.stringify(chat),
      })
      expect([answer.status, answer.headers.get('retry-after'), await answer.text()]).toEqual([
        status,
        '7',
        '{"error":"no"}',
      ])
      expect([p.seen.length, d.seen.length]).toEqual([calls, 0])
      expect(counted(s, 'request_errors_total{stage="prefill"}')).toBe(1)
    },
  )

  test('leaves the next attempt to the next one that the request names', async () => {
    const { p, d, s } = await pair({ args: ['--prefill-max-retries=1', '--prefill-retry-backoff=1ms'] })
    const answer = await post(s.url, chat, { 'x-prefiller-host-port': `127.0.0.1:1, ${p.host}` })
    expect([answer.status, p.seen.length, d.seen.length]).toEqual([200, 1, 1])
  })

  test('that nobody reaches is a 502 in the usual form', async () => {
    const { d, s } = await pair()
    const answer = await post(s.url, chat, { 'x-prefiller-host-port': '127.0.0.1:1' })
    expect(answer.headers.get('content-type')).toBe('application/json')
    expect(await answer.json()).toEqual({
      object: 'error',
      message: 'the prefiller 127.0.0.1:1 cannot be reached: connect ECONNREFUSED 127.0.0.1:1',
      type: 'BadGateway',
      param: '',
      code: 502,
    })
    expect(d.seen).toHaveLength(0)
  })

  test('is made up for by the decoder when that is wanted', async () => {
    const { d, s } = await pair({ args: ['--fallback=decode-only'] })
    expect((await post(s.url, chat, { 'x-prefiller-host-port': '127.0.0.1:1' })).status).toBe(200)
    expect(d.seen.map(one => one.body)).toEqual([chat])
    expect(counted(s, 'prefill_fallbacks_total')).toBe(1)
  })

  test('is silent: a limit ends that', async () => {
    const { d, ask } = await pair({ args: ['--prefill-timeout=50ms'], prefiller: () => {} })
    const answer = await ask(chat)
    expect([answer.status, d.seen.length]).toEqual([504, 0])
  })

  test.each([
    ['no JSON', '<html>', "the prefiller's answer is no JSON: unexpected '<' at byte 0 where a value must be"],
    ['no object', '[]', "the prefiller's answer is no JSON object"],
    ['nothing', '', "the prefiller's answer is no JSON: unexpected end of JSON input"],
  ])('answers 200 with %s: 502', async (_what, text, message) => {
    const { d, ask } = await pair({ prefiller: json(text) })
    const answer = await ask(chat)
    expect([answer.status, d.seen.length]).toEqual([502, 0])
    expect(await answer.json()).toMatchObject({ message, type: 'BadGateway' })
  })

  test('answers without kv_transfer_params: the decoder gets null, and that is counted', async () => {
    const { d, s, ask } = await pair({ prefiller: json({}) })
    expect((await ask(chat)).status).toBe(200)
    expect(d.seen[0]!.body['kv_transfer_params']).toBeNull()
    expect(counted(s, 'prefill_without_kv_transfer_params_total')).toBe(1)
  })

  test('dies in its body', async () => {
    const { d, ask } = await pair({
      prefiller: (_seen, res) => {
        res.writeHead(200, { 'content-length': 100 }).write('{"a"')
        res.socket!.destroySoon()
      },
    })
    expect([(await ask(chat)).status, d.seen.length]).toEqual([502, 0])
  })
})

test.each([
  ['null', 'request body is not a JSON object'],
  ['[]', 'request body is not a JSON object'],
  ['"x"', 'request body is not a JSON object'],
  ['', 'invalid JSON: unexpected end of JSON input'],
  ['{"a":', 'invalid JSON: unexpected end of JSON input'],
])('a body of %s is a 400', async (body, message) => {
  const { p, d, ask } = await pair()
  const answer = await ask(body)
  expect([answer.status, await answer.json()]).toEqual([
    400,
    { object: 'error', message, type: 'BadRequestError', param: '', code: 400 },
  ])
  expect([p.seen.length, d.seen.length]).toEqual([0, 0])
})

test('a body over the limit is a 413', async () => {
  const { p, ask } = await pair({ args: ['--max-body-bytes=1000'] })
  expect((await ask({ ...chat, user: 'x'.repeat(2000) })).status).toBe(413)
  expect(p.seen).toHaveLength(0)
})

test('a client that leaves ends the prefill leg; the decoder is never called', async () => {
  const closed = Promise.withResolvers<void>()
  const { p, d, s } = await pair({ prefiller: (_seen, res) => void once(res, 'close').then(() => closed.resolve()) })
  const leave = new AbortController()
  const answer = fetch(`${s.url}/v1/chat/completions`, {
    method: 'POST',
    headers: { 'x-prefiller-host-port': p.host },
    body: JSON.stringify(chat),
    signal: leave.signal,
  })
  await p.request(0)
  leave.abort()
  await expect(answer).rejects.toThrow()
  await closed.promise
  await expect.poll(() => counted(s, 'aborts_total{phase="prefill"}')).toBe(1)
  expect([d.seen.length, counted(s, 'open_legs{stage="prefill"}')]).toEqual([0, 0])
})
