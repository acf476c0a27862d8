import { once } from 'node:events'
import type { IncomingMessage, Server, ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { RawClient } from '../testing/raw-http.ts'
import { createHttpServer } from './server.ts'

let server: Server
afterEach(() => server.close().closeAllConnections())

async function connect(listener: (req: IncomingMessage, res: ServerResponse) => void): Promise<RawClient> {
  server = createHttpServer(listener).listen(0, '127.0.0.1')
  await once(server, 'listening')
  return RawClient.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
}

const paths = (count: number): string[] => Array.from({ length: count }, (_, i) => `/${i}`)
const bytes = (path: string): string => `GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`

test('a request is served when the answer before it was sent', async () => {
  const served: { url: string; res: ServerResponse }[] = []
  let wake = (): void => {}
  const client = await connect((req, res) => {
    served.push({ url: req.url!, res })
    wake()
  })
  client.send(paths(3).map(bytes).join(''))
  for (let at = 0; at < 3; at++) {
    if (served.length <= at) {
      await new Promise<void>(resolve => {
        wake = resolve
      })
    }
    expect(served.map(({ url }) => url)).toEqual(paths(at + 1))
    served[at]!.res.end(served[at]!.url)
    expect((await client.answer()).body).toBe(`/${at}`)
  }
})

test.each(['', 'x'.repeat(100_000)])('of thousands as many are served as may wait: %#', async body => {
  const client = await connect((req, res) => res.end(req.url! + body))
  client.send(paths(20_000).map(bytes).join(''))
  for (const path of paths(65)) expect((await client.answer()).body).toBe(path + body)
  const refused = await client.answer()
  expect(refused.status).toBe(400)
  expect(refused.body).toContain('at most 64 requests')
  expect(await client.closed()).toBe(true)
})

test('what waits on a connection that is gone is not served', async () => {
  const served: string[] = []
  let begun = (_res: ServerResponse): void => {}
  const first = new Promise<ServerResponse>(resolve => {
    begun = resolve
  })
  const client = await connect((req, res) => {
    served.push(req.url!)
    begun(res)
  })
  client.send(paths(3).map(bytes).join(''))
  const gone = once(await first, 'close')
  client.reset()
  await gone
  await new Promise(resolve => setImmediate(resolve))
  expect(served).toEqual(['/0'])
})
