import { once } from 'node:events'
import { createServer, type RequestListener, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { RealClock } from '@vllm-sim/latency'
import { expect, test } from 'vitest'
import { Connections } from './connections.ts'

const clock = new RealClock()

async function start(listener: RequestListener): Promise<{ server: Server; connections: Connections; open(): Socket }> {
  const server = createServer(listener)
  const connections = new Connections(server)
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  return { server, connections, open: () => connect(port, '127.0.0.1') }
}

const request = 'GET / HTTP/1.1\r\nhost: a\r\n\r\n'

test('a large answer that is still on its way arrives whole', async () => {
  const size = 16 * 1024 * 1024
  const { connections, open } = await start((_req, res) => res.end(Buffer.alloc(size)))
  const client = open()
  client.write(request)
  client.pause()
  await once(client, 'readable')
  const closing = connections.close(clock, 20_000)
  let received = 0
  for await (const chunk of client) received += (chunk as Buffer).length
  expect(received).toBeGreaterThan(size)
  await closing
})

test('idle and silent connections end at once', async () => {
  const { connections, open } = await start((_req, res) => res.end('done'))
  const silent = open()
  await once(silent, 'connect')
  const client = open()
  client.write(request)
  await once(client, 'data')
  // Longer than a test may take.
  await connections.close(clock, 600_000)
  await Promise.all([client, silent].map(socket => socket.closed || once(socket.resume(), 'close')))
})

test('what does not end is ended at the limit', async () => {
  const { connections, open } = await start(() => {})
  const client = open()
  client.write(request)
  await once(client, 'connect')
  const silent = open()
  await once(silent, 'connect')
  const ends = [client, silent].map(socket => once(socket.on('error', () => {}).resume(), 'close'))
  await connections.close(clock, 50)
  await Promise.all(ends)
})
