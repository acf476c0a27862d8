import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import { type AddressInfo, connect, type Socket } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { dispatch, type Protocol } from './dispatcher.ts'

let server: Server
const clients: Socket[] = []

afterEach(async () => {
  for (const client of clients.splice(0)) client.destroy()
  server.closeAllConnections()
  await new Promise(resolve => server.close(resolve))
})

const preface = 'HELLO-PROTOCOL'

/** Takes what begins with the preface, and answers with all that it was sent. */
const echo: Protocol = {
  recognizes: head => {
    const text = head.toString('latin1')
    if (text.startsWith(preface)) return true
    return preface.startsWith(text) ? undefined : false
  },
  serve: socket => {
    socket.on('data', data => socket.write(data)).on('end', () => socket.end())
    socket.resume()
  },
}

async function start(): Promise<{ open: () => Promise<Socket>; drop: () => void }> {
  server = createServer((req, res) => res.end(`http ${req.url}`))
  const { drop } = dispatch(server, [echo])
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const open = async (): Promise<Socket> => {
    const client = connect(port, '127.0.0.1').setEncoding('latin1')
    clients.push(client)
    await once(client, 'connect')
    return client
  }
  return { open, drop }
}

function received(client: Socket): () => string {
  let text = ''
  client.on('data', chunk => {
    text += chunk
  })
  return () => text
}

test('what begins like a protocol goes there whole, everything else to HTTP, also byte by byte', async () => {
  const { open } = await start()
  const request = 'GET /x HTTP/1.1\r\nhost: a\r\n\r\n'
  const other = 'HEAD /y HTTP/1.1\r\nhost: a\r\n\r\n'
  const expected: [string, RegExp][] = [
    [`${preface} and more`, /^HELLO-PROTOCOL and more$/],
    [request, /http \/x$/],
    // Begins like the preface, for two letters.
    [other, /^HTTP\/1\.1 200 OK/],
  ]
  for (const [bytes, answer] of expected) {
    const whole = await open()
    const text = received(whole)
    whole.write(bytes)
    await expect.poll(text).toMatch(answer)

    const slow = await open()
    slow.setNoDelay()
    const slowText = received(slow)
    for (const byte of bytes) {
      slow.write(byte, 'latin1')
      await new Promise(resolve => setImmediate(resolve))
    }
    await expect.poll(slowText).toMatch(answer)
  }
})

test('HTTP connections keep alive behind the dispatcher', async () => {
  const { open } = await start()
  const client = await open()
  const text = received(client)
  for (const path of ['/1', '/2', '/3']) {
    client.write(`GET ${path} HTTP/1.1\r\nhost: a\r\n\r\n`)
    await expect.poll(text).toContain(`http ${path}`)
  }
})

test('clients that leave, or say nothing, before their protocol is known disturb nobody', async () => {
  const { open, drop } = await start()
  const left = await open()
  left.write('HEL')
  left.destroy()
  const ended = await open()
  ended.end('HELLO')
  await once(ended, 'close')
  const silent = await open()
  const busy = await open()
  const text = received(busy)
  busy.write('GET /x HTTP/1.1\r\nhost: a\r\n\r\n')
  await expect.poll(text).toContain('http /x')
  drop()
  await once(silent, 'close')
  busy.write('GET /y HTTP/1.1\r\nhost: a\r\n\r\n')
  await expect.poll(text).toContain('http /y')
})
