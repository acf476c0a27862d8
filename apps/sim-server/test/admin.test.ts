import { gunzipSync } from 'node:zlib'
import { expect, test } from 'vitest'
import { startInProcess } from './in-process.ts'
import { completion, post, startStream } from './server-process.ts'

async function errorOf(response: Promise<Response>): Promise<[status: number, message: string]> {
  const answer = await response
  const { error } = (await answer.json()) as { error: { message: string; code: number } }
  expect(error.code).toBe(answer.status)
  return [answer.status, error.message]
}

async function config(url: string): Promise<Record<string, unknown>> {
  return (await fetch(`${url}/admin/config`)).json() as Promise<Record<string, unknown>>
}

async function gauge(url: string, name: string): Promise<number> {
  const text = await (await fetch(`${url}/metrics`)).text()
  const value = new RegExp(`^${name}\\{[^}]*\\} (\\S+)$`, 'm').exec(text)?.[1]
  return Number(value)
}

test('the configuration is read and changed while the server runs', async () => {
  const { server, url } = await startInProcess(['--seed', '1'])
  const before = await config(url)
  expect(Object.keys(before)).toHaveLength(82)
  expect(before).toMatchObject({ model: 'm', 'time-to-first-token': '0s', 'failure-types': null })

  const changed = await post(`${url}/admin/config`, { 'time-to-first-token': '250ms', 'time-factor-under-load': 1.5 })
  expect(changed.status).toBe(200)
  expect(await changed.json()).toEqual({ ...before, 'time-to-first-token': '250ms', 'time-factor-under-load': 1.5 })
  const start = performance.now()
  await post(`${url}/v1/completions`, completion(1, false))
  expect(performance.now() - start).toBeGreaterThanOrEqual(250)
  await server.logged(/configuration updated/)
  expect((await post(`${url}/admin/config`, { 'reasoning-rate': 7 })).status).toBe(200)
  const { options } = (await (await fetch(`${url}/admin/options`)).json()) as { options: { name: string }[] }
  expect(options).toContainEqual({ name: 'reasoning-rate', value: 7, default: 100, live: true })
  expect(Object.keys(await config(url))).toHaveLength(82)

  expect(
    await errorOf(
      post(`${url}/admin/config`, { 'time-to-first-token': '1ms', 'time-to-first-token-std-dev': '0.5ms' }),
    ),
  ).toEqual([400, 'time to first token standard deviation cannot be more than 30% of time to first token'])
  for (const [body, message] of [
    [{ port: 1 }, "field 'port' is not admin-configurable"],
    [{ 'failure-types': ['bogus'] }, /bogus/],
    ['not json', /^failed to unmarshal payload: ./],
    ['', /^failed to unmarshal payload: ./],
    [{ 'image-emission-rate': 101 }, 'image emission rate should be between 0 and 100'],
    [{ 'time-to-first-token': 'abc' }, 'field "time-to-first-token": time: invalid duration "abc"'],
    [
      { 'fake-metrics': { 'running-requests': 7 } },
      'the simulator is reporting real metrics; fake metrics cannot be updated',
    ],
  ] as const) {
    const [status, text] = await errorOf(post(`${url}/admin/config`, body))
    expect(status).toBe(400)
    if (typeof message === 'string') expect(text).toBe(message)
    else expect(text).toMatch(message)
  }
  expect(await config(url)).toMatchObject({ 'time-to-first-token': '250ms', port: before['port'] })

  const put = await fetch(`${url}/admin/config`, { method: 'PUT' })
  expect([put.status, put.headers.get('allow'), await put.text()]).toEqual([
    405,
    'GET, POST, OPTIONS',
    'Method Not Allowed',
  ])
})

test('failures are switched on and off', async () => {
  const { url } = await startInProcess()
  const generate = async () => (await post(`${url}/v1/completions`, completion(1, false))).status
  await post(`${url}/admin/config`, { 'failure-injection-rate': 100, 'failure-types': ['rate_limit'] })
  expect(await generate()).toBe(429)
  await post(`${url}/admin/config`, { 'failure-injection-rate': 0 })
  expect(await generate()).toBe(200)
})

test('a new time between tokens counts from the next token on, also in a stream that runs', async () => {
  const { url } = await startInProcess(['--inter-token-latency', '300ms'])
  const { rest } = await startStream(url, 900)
  expect((await post(`${url}/admin/config`, { 'inter-token-latency': '0s' })).status).toBe(200)
  // At 300 ms a token it would end after the time that a test has.
  expect((await rest).endsWith('data: [DONE]\n\n')).toBe(true)
})

test('fake metrics are changed by both endpoints; the old one has its own errors', async () => {
  const { server, url } = await startInProcess(['--fake-metrics', '{"running-requests":3}'])
  expect(await gauge(url, 'vllm:num_requests_running')).toBe(3)
  const both = await post(`${url}/admin/config`, {
    'failure-injection-rate': 42,
    'fake-metrics': { 'running-requests': 7 },
  })
  expect(await both.json()).toMatchObject({ 'failure-injection-rate': 42, 'fake-metrics': { 'running-requests': 7 } })
  expect(await gauge(url, 'vllm:num_requests_running')).toBe(7)

  const old = await post(`${url}/fake_metrics`, { 'running-requests': 9 })
  expect([old.status, await old.text()]).toEqual([204, ''])
  await server.logged(/\/fake_metrics endpoint is deprecated and will be removed in release v0\.12\.0/)
  expect(await gauge(url, 'vllm:num_requests_running')).toBe(9)
  expect(await errorOf(post(`${url}/fake_metrics`, { 'running-requests': -1 }))).toEqual([
    400,
    'Failed to update fake metrics: fake metrics request counters cannot be negative',
  ])
  expect(await errorOf(post(`${url}/fake_metrics`, '{},"failure-injection-rate":100'))).toEqual([
    400,
    expect.stringMatching(/^Failed to update fake metrics: failed to unmarshal payload: ./),
  ])
  expect(await config(url)).toMatchObject({ 'failure-injection-rate': 42, 'fake-metrics': { 'running-requests': 9 } })
})

test('a server of real metrics refuses fake ones', async () => {
  const { url } = await startInProcess()
  expect(await errorOf(post(`${url}/fake_metrics`, { 'running-requests': 7 }))).toEqual([
    400,
    'Failed to update fake metrics: the simulator is reporting real metrics; fake metrics cannot be updated',
  ])
})

test('metrics are compressed for those who take it', async () => {
  const { url } = await startInProcess()
  const plain = await fetch(`${url}/metrics`, { headers: { 'accept-encoding': 'identity, gzip;q=0' } })
  expect(plain.headers.get('content-encoding')).toBeNull()
  const { get } = await import('node:http')
  const [encoding, body] = await new Promise<[string | undefined, Buffer]>(resolve => {
    get(`${url}/metrics`, { headers: { 'accept-encoding': 'gzip' }, agent: false }, res => {
      const chunks: Buffer[] = []
      res.on('data', chunk => chunks.push(chunk))
      res.on('end', () => resolve([res.headers['content-encoding'], Buffer.concat(chunks)]))
    })
  })
  expect(encoding).toBe('gzip')
  expect(gunzipSync(body).toString()).toContain('# TYPE vllm:num_requests_running gauge')
})

test('sleep needs its option and development mode, which also opens the endpoints of vLLM for it', async () => {
  const asleep = async (url: string) => (await fetch(`${url}/is_sleeping`)).json()
  const [half, whole] = await Promise.all([
    startInProcess(['--enable-sleep-mode']),
    startInProcess(['--enable-sleep-mode'], { VLLM_SERVER_DEV_MODE: '1' }),
  ])
  for (const [url, sleeping, status] of [
    [half.url, false, 404],
    [whole.url, true, 200],
  ] as const) {
    expect((await post(`${url}/sleep`, '')).status).toBe(200)
    expect(await asleep(url)).toEqual({ is_sleeping: sleeping })
    expect((await post(`${url}/v1/completions`, completion(1, false))).status).toBe(200)
    expect((await post(`${url}/wake_up`, '')).status).toBe(200)
    expect(await asleep(url)).toEqual({ is_sleeping: false })
    expect((await post(`${url}/reset_prefix_cache`, '')).status).toBe(status)
    expect((await fetch(`${url}/server_info?config_format=json`)).status).toBe(status)
  }
  expect(await (await fetch(`${whole.url}/server_info?config_format=json`)).json()).toMatchObject({
    vllm_config: { model: 'm' },
    vllm_env: { VLLM_SERVER_DEV_MODE: true },
  })
})

test('documents of the API, unless switched off', async () => {
  const [on, off] = await Promise.all([startInProcess(), startInProcess(['--disable-fastapi-docs'])])
  const { paths } = (await (await fetch(`${on.url}/openapi.json`)).json()) as { paths: object }
  for (const path of ['/v1/chat/completions', '/v1/models/{id}', '/admin/config', '/metrics', '/query', '/load']) {
    expect(paths).toHaveProperty([path])
  }
  expect((await fetch(`${on.url}/docs`)).status).toBe(200)
  for (const path of ['/openapi.json', '/docs', '/redoc']) expect((await fetch(off.url + path)).status).toBe(404)
})
