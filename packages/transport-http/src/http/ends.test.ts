import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { RealClock } from '@vllm-sim/core-engine'
import { expect, test } from 'vitest'
import { RawClient } from '../testing/raw-http.ts'
import { createHttpServer } from './server.ts'

test('connections that are closed by their clients are ended in a turn that has time for it', async () => {
  const held: (() => void)[] = []
  let wake = (): void => {}
  class Clock extends RealClock {
    override whenFree(run: () => void): void {
      held.push(run)
      wake()
    }
  }
  const server = createHttpServer((_req, res) => res.end('x'), { clock: new Clock() }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const client = await RawClient.connect(`http://127.0.0.1:${(server.address() as AddressInfo).port}`)
  client.send('GET / HTTP/1.1\r\nHost: x\r\n\r\n')
  expect((await client.answer()).body).toBe('x')
  const asked = new Promise<void>(resolve => {
    wake = resolve
  })
  client.socket.end()
  await asked
  expect(client.socket.readableEnded).toBe(false)
  held[0]!()
  expect(await client.closed()).toBe(true)
  server.close()
})
