import { once } from 'node:events'
import { request } from 'node:http'
import express from 'express'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { HttpApi } from '../app.ts'
import type { HttpRecorder } from '../context.ts'
import { expressApp } from '../express.ts'
import type { Handler } from '../generation/pipeline.ts'
import { RawClient } from '../testing/raw-http.ts'
import { startServer, type TestServer } from '../testing/server.ts'

const ways: [name: string, way: (api: HttpApi) => Handler][] = [
  ['listener', api => api.listener],
  ['Express application', api => expressApp(api) as unknown as Handler],
  ['application mounted in another', api => express().use(expressApp(api)) as unknown as Handler],
]

describe.each(ways)('%s', (_name, handler) => {
  let server: TestServer
  let draining = false
  const seen: [handler: string, status: number][] = []

  beforeAll(async () => {
    const recorder: HttpRecorder = { record: (path, _method, status) => seen.push([path, status]) }
    server = await startServer({
      handler,
      recorder,
      api: {
        apiKeys: ['first', 'second'],
        protectAdmin: true,
        rootPath: 'prefix/',
        cors: { origins: ['http://a'], methods: ['*'], headers: ['*'], credentials: false },
      },
    })
    ;(server.context as { draining: () => boolean }).draining = () => draining
  })
  afterAll(() => server.close())

  const ask = async (
    path: string,
    headers: Record<string, string> = {},
    method = 'GET',
    body?: string,
  ): Promise<{ status: number; headers: NodeJS.Dict<string | string[]>; text: string }> => {
    const sent = request(server.url, { method, path, headers, agent: false }).end(body)
    const [response] = await once(sent, 'response')
    let text = ''
    for await (const chunk of response) text += chunk
    return { status: response.statusCode, headers: response.headers, text }
  }
  const key = { authorization: 'Bearer second' }

  test('an API key is needed, on other paths not', async () => {
    for (const path of ['/v1/models', '/v1/models/x', '/inference/v1/generate', '/tokenize', '/admin/config']) {
      expect(await ask(path)).toMatchObject({ status: 401, text: '{"error":"Unauthorized"}' })
      expect((await ask(path, { authorization: 'Bearer third' })).status).toBe(401)
    }
    for (const path of ['//v1/models', '/prefix/v1/models', '/v1/../v1/models', '//prefix//v1/models']) {
      expect((await ask(path)).status).toBe(401)
      expect((await ask(path, key)).status).toBe(200)
    }
    expect((await ask('/v1/models', { authorization: 'bearer  first' })).status).toBe(200)
    for (const path of ['/health', '/version', '/load']) expect((await ask(path)).status).toBe(200)
  })

  test('Anthropic’s clients show it in a header of their own, on their paths', async () => {
    const own = { 'x-api-key': 'first' }
    for (const path of ['/v1/messages', '/v1/messages/count_tokens']) {
      expect((await ask(path, {}, 'POST', '{')).status).toBe(401)
      expect((await ask(path, { 'x-api-key': 'third' }, 'POST', '{')).status).toBe(401)
      expect((await ask(path, own, 'POST', '{')).status).toBe(400)
    }
    expect((await ask('/v1/models', own)).status).toBe(401)
  })

  test('CORS: headers for other origins, and the answer to a preflight, without a key', async () => {
    const origin = { origin: 'http://a' }
    expect((await ask('/v1/models', { ...origin, ...key })).headers).toMatchObject({
      'access-control-allow-origin': 'http://a',
    })
    // A browser shows its user the error only when it may read it.
    expect((await ask('/v1/models', origin)).headers['access-control-allow-origin']).toBe('http://a')
    const preflight = { ...origin, 'access-control-request-method': 'POST' }
    expect(await ask('/v1/chat/completions', preflight, 'OPTIONS')).toMatchObject({ status: 200, text: 'OK' })
    expect((await ask('/v1/models', { ...preflight, origin: 'http://b' }, 'OPTIONS')).status).toBe(400)
  })

  test('a prefix that a proxy left is taken off', async () => {
    expect((await ask('/prefix/v1/models?x=1', key)).status).toBe(200)
    expect((await ask('/other/v1/models', key)).status).toBe(404)
  })

  test('requests are recorded under their endpoint, also those that a check answers', async () => {
    seen.length = 0
    await ask('/v1/models')
    await ask('/v1/models/x', key)
    await ask('/prefix/health')
    await ask('/nowhere')
    await expect.poll(() => seen).toHaveLength(4)
    expect(seen).toEqual([
      ['/v1/models', 401],
      ['/v1/models/*id', 404],
      ['/health', 200],
      ['none', 404],
    ])
  })

  test('while the server shuts down nothing new is generated', async () => {
    draining = true
    const refused = await ask('/v1/completions', key, 'POST', '{')
    expect(refused.status).toBe(503)
    expect(refused.text).toContain('server is shutting down')
    expect((await ask('/v1/messages', key, 'POST', '{')).status).toBe(503)
    expect((await ask('/v1/models', key)).status).toBe(200)
    draining = false
    expect((await ask('/v1/completions', key, 'POST', '{')).status).toBe(400)
  })

  test('a request line without a version is refused', async () => {
    const client = await RawClient.connect(server.url)
    client.send('GET /health\r\n\r\n')
    const answer = await client.answer()
    expect(answer.status).toBe(400)
    expect(answer.body).toContain('has no version')
    expect(await client.closed()).toBe(true)
  })
})

test('what is added to the application passes the checks and answers at the listener, where no endpoint does', async () => {
  const server = await startServer({
    api: { apiKeys: ['key'] },
    handler: api => {
      const app = expressApp(api)
      app.get('/v1/mine', (_req, res) => {
        res.send('mine')
      })
      app.get('/health', (_req, res) => {
        res.send('never')
      })
      app.get('/fails', () => {
        throw new Error('broken')
      })
      return api.listener
    },
  })
  const authorization = 'Bearer key'
  expect((await fetch(`${server.url}/v1/mine`)).status).toBe(401)
  expect(await (await fetch(`${server.url}/v1/mine`, { headers: { authorization } })).text()).toBe('mine')
  expect(await (await fetch(`${server.url}/health`)).text()).toBe('')
  expect((await fetch(`${server.url}/fails`)).status).toBe(500)
  expect((await fetch(`${server.url}/nowhere`)).status).toBe(404)
  await server.close()
})

test('middleware of an application around sees every request, and a parser’s body is taken', async () => {
  const seen: string[] = []
  const server = await startServer({
    handler: api =>
      express()
        .use((req, _res, next) => {
          seen.push(req.path)
          next()
        })
        .use(express.json())
        .use('/sim', expressApp(api)) as unknown as Handler,
  })
  const answer = await server.json<{ object: string }>('/sim/v1/completions', { model: 'my-model', prompt: 'hi' })
  expect(answer.object).toBe('text_completion')
  expect((await fetch(`${server.url}/sim/v1/models/my-model`)).status).toBe(200)
  expect(seen).toEqual(['/sim/v1/completions', '/sim/v1/models/my-model'])
  await server.close()
})

test('which paths stay open', async () => {
  let api: HttpApi | undefined
  const server = await startServer({
    api: { apiKeys: ['key'], protectAdmin: true },
    handler: one => {
      api = one
      return one.listener
    },
  })
  expect(api!.openPaths).toEqual(['/health', '/ping', '/health/ready', '/version', '/load'])
  await server.close()
})
