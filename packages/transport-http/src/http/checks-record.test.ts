import { expect, test } from 'vitest'
import type { HttpRecorder } from '../context.ts'
import { startServer } from '../testing/server.ts'

test('every exchange is reported under its endpoint’s path, with its sizes', async () => {
  const seen: Parameters<HttpRecorder['record']>[] = []
  const { promise, resolve } = Promise.withResolvers<void>()
  const recorder: HttpRecorder = {
    record: (...exchange) => {
      seen.push(exchange)
      if (seen.length === 4) resolve()
    },
  }
  const server = await startServer({ recorder })
  const body = JSON.stringify({ model: 'my-model', prompt: 'hello' })
  const post = (path: string, text: string) => fetch(server.url + path, { method: 'POST', body: text })
  const answer = await (await post('/v1/completions', body)).text()
  await (await post('/v1/completions?x=1', '{')).text()
  await (await fetch(`${server.url}/v1/models/nobody`)).text()
  await (await fetch(`${server.url}/nowhere`)).text()
  await promise
  await server.close()
  expect(seen.map(([handler, method, status]) => [handler, method, status])).toEqual([
    ['/v1/completions', 'POST', 200],
    ['/v1/completions', 'POST', 400],
    ['/v1/models/*id', 'GET', 404],
    ['none', 'GET', 404],
  ])
  expect(seen[0]!.slice(4)).toEqual([body.length, Buffer.byteLength(answer)])
  for (const [, , , seconds] of seen) expect(seconds).toBeGreaterThanOrEqual(0)
})
