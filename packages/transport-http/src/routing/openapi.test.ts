import { expect, test } from 'vitest'
import { withRoutes } from '../testing/serve-routes.ts'
import { LoadTracker, loadRoutes } from '../vllm/load.ts'
import { queryRoutes } from '../vllm/query.ts'
import { openapiRoutes } from './openapi.ts'
import { getJson, type Route } from './route.ts'

test('the document has every route, with path parameters in their notation', async () => {
  const routes: Route[] = [
    getJson('/v1/models', () => ({})),
    getJson('/v1/models/*id', () => ({})),
    { method: 'POST', path: '/v1/chat/completions', handle: () => {} },
    { method: 'GET', path: '/v1/responses/:response', handle: () => {} },
    { method: 'POST', path: '/ping', handle: () => {} },
    { method: 'GET', path: '/ping', handle: () => {} },
  ]
  routes.push(...openapiRoutes(routes, '9.9'))
  await withRoutes(routes, async call => {
    const document = (await (await call('GET', '/openapi.json')).json()) as {
      info: object
      paths: Record<string, Record<string, { operationId: string; parameters?: { name: string }[] }>>
    }
    expect(document).toMatchObject({ openapi: '3.1.0', info: { title: 'vllm-sim', version: '9.9' } })
    expect(Object.keys(document.paths)).toEqual([
      '/v1/models',
      '/v1/models/{id}',
      '/v1/chat/completions',
      '/v1/responses/{response}',
      '/ping',
      '/openapi.json',
      '/docs',
      '/redoc',
    ])
    expect(Object.keys(document.paths['/ping']!)).toEqual(['post', 'get'])
    expect(document.paths['/v1/models/{id}']!['get']!.parameters).toEqual([expect.objectContaining({ name: 'id' })])
    const ids = Object.values(document.paths).flatMap(path => Object.values(path).map(one => one.operationId))
    expect(new Set(ids).size).toBe(ids.length)
    const page = await call('GET', '/docs')
    expect(page.headers.get('content-type')).toBe('text/html; charset=utf-8')
    expect(await page.text()).toContain('<code>/v1/models/{id}</code>')
  })
})

test('query lists one engine id per rank, the same at each call', async () => {
  let next = 0
  await withRoutes(
    queryRoutes(() => `id-${next++}`, 2),
    async call => {
      const expected = { '0': { engine_id: 'id-0' }, '1': { engine_id: 'id-1' } }
      expect(await (await call('GET', '/query')).json()).toEqual(expected)
      expect(await (await call('GET', '/query')).json()).toEqual(expected)
    },
  )
})

test('load counts what is inside of wrapped endpoints, and is 0 without tracking', async () => {
  const tracker = new LoadTracker()
  const arrived = Promise.withResolvers<void>()
  const release = Promise.withResolvers<void>()
  const slow: Route = {
    method: 'POST',
    path: '/slow',
    handle: tracker.wrap((_req, res) => {
      arrived.resolve()
      release.promise.then(() => res.end('done'))
    }),
  }
  await withRoutes([slow, ...loadRoutes(tracker)], async call => {
    const answer = call('POST', '/slow', {})
    await arrived.promise
    expect(await (await call('GET', '/load')).json()).toEqual({ server_load: 1 })
    release.resolve()
    expect(await (await answer).text()).toBe('done')
    await expect.poll(async () => (await call('GET', '/load')).json()).toEqual({ server_load: 0 })
  })
  await withRoutes(loadRoutes(undefined), async call => {
    expect(await (await call('GET', '/load')).json()).toEqual({ server_load: 0 })
  })
})
