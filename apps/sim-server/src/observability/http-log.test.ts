import { once } from 'node:events'
import { createServer, type RequestListener } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Logger } from '@vllm-sim/service'
import { expect, test } from 'vitest'
import { logExchanges } from './http-log.ts'

type Line = Record<string, unknown> & { message: string }

/** Serves one exchange and gives the lines that were logged. */
async function exchange(handle: RequestListener, init: RequestInit): Promise<{ lines: Line[]; text: string }> {
  const lines: Line[] = []
  const both = Promise.withResolvers<void>()
  const log = {
    info: (fields: object, message: string) => {
      if (lines.push({ ...fields, message }) === 2) both.resolve()
    },
  } as unknown as Logger
  const server = createServer(logExchanges(handle, log)).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const { port } = server.address() as AddressInfo
  const response = await fetch(`http://127.0.0.1:${port}/path?x=1`, init)
  const text = await response.text()
  await both.promise
  server.closeAllConnections()
  server.close()
  return { lines, text }
}

test('both sides of an exchange, with all headers and bodies; the answer is not changed', async () => {
  const { lines, text } = await exchange(
    (req, res) => {
      req.resume()
      res.setHeader('x-one', '1')
      res.writeHead(201, { 'content-type': 'text/plain', 'set-cookie': ['a=1', 'b=2'] })
      res.write('first, ')
      res.end('last')
    },
    { method: 'POST', body: 'hello', headers: { authorization: 'Bearer secret' } },
  )
  expect(text).toBe('first, last')
  const [request, response] = lines
  expect(request).toMatchObject({ message: 'HTTP request', method: 'POST', requestURI: '/path?x=1', body: 'hello' })
  expect(request!['remoteAddr']).toMatch(/^127\.0\.0\.1:\d+$/)
  expect(request!['headers']).toContain('\nauthorization: Bearer secret\n')
  expect(response).toEqual({
    message: 'HTTP response',
    statusCode: 201,
    headers: 'x-one: 1\ncontent-type: text/plain\nset-cookie: a=1\nset-cookie: b=2',
    body: 'first, last',
  })
})

test('long bodies are cut and their length is told', async () => {
  const size = 600 * 1024
  const { lines, text } = await exchange(
    (req, res) => {
      req.resume().on('end', () => res.end(Buffer.alloc(size, 'b')))
    },
    { method: 'POST', body: 'a'.repeat(size) },
  )
  expect(text).toHaveLength(size)
  for (const line of lines) {
    const [body, note] = String(line['body']).split(' ... ')
    expect(body).toHaveLength(512 * 1024)
    expect(note).toBe(`[truncated, total ${size} bytes]`)
  }
})
