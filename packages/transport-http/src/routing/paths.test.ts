import { once } from 'node:events'
import { request } from 'node:http'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer, type TestServer } from '../testing/server.ts'
import { normalizePath } from './paths.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

/** `fetch` would follow redirects and normalize paths itself. */
async function ask(method: string, path: string): Promise<[status: number | undefined, location?: string]> {
  const sent = request(`${server.url}`, { method, path, agent: false }).end()
  const [response] = await once(sent, 'response')
  response.resume()
  const { location } = response.headers
  return location === undefined ? [response.statusCode] : [response.statusCode, location]
}

test('a path that is nearly known leads to the known one', async () => {
  expect(await ask('GET', '/v1/models/')).toEqual([301, '/v1/models'])
  expect(await ask('GET', '/V1/Models?a=B')).toEqual([301, '/v1/models?a=B'])
  expect(await ask('POST', '/v1/chat/completions/')).toEqual([307, '/v1/chat/completions'])
  expect(await ask('POST', '/V1/CHAT/completions')).toEqual([307, '/v1/chat/completions'])
  expect(await ask('GET', '/v1/nothing/')).toEqual([404])
  expect(await ask('GET', '/')).toEqual([404])
})

test('a redirect keeps the prefix of a proxy, and believes no Host', async () => {
  const own = await startServer({ api: { rootPath: '/prefix' } })
  const redirect = async (path: string): Promise<string | undefined> => {
    const sent = request(own.url, { path, headers: { host: 'evil' }, agent: false }).end()
    const [response] = await once(sent, 'response')
    response.resume()
    return response.headers.location
  }
  expect(await redirect('/v1/models/')).toBe('/prefix/v1/models')
  expect(await redirect('/prefix/V1/models?a')).toBe('/prefix/v1/models?a')
  await own.close()
})

test('a redirect is followed to the answer', async () => {
  const body = JSON.stringify({ model: 'my-model', prompt: 'a', max_tokens: 1 })
  expect((await fetch(`${server.url}/v1/completions/`, { method: 'POST', body })).status).toBe(200)
})

test('slashes and dots in a path mean what they mean in a URL', async () => {
  for (const path of ['//v1//models', '/v1/./models', '/v1/x/../models']) expect(await ask('GET', path)).toEqual([200])
  expect(await ask('POST', '/v1/x/../completions')).toEqual([400])
  expect(normalizePath('/a//b?c=//d/../e')).toBe('/a/b?c=//d/../e')
})
