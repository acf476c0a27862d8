import { once } from 'node:events'
import { request } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import { describe, expect, onTestFinished, test } from 'vitest'
import { json, mock } from './mock.ts'
import { chat, counted, post, sidecar } from './sidecar.ts'

/** A server that answers each connection as it likes, byte by byte. */
async function bare(
  serve: (socket: Socket, text: string, index: number) => void,
): Promise<{ port: number; sockets: Socket[] }> {
  const sockets: Socket[] = []
  const server = createServer(socket => {
    const index = sockets.push(socket) - 1
    socket.on('error', () => {})
    socket.on('data', bytes => serve(socket, bytes.toString('latin1'), index))
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  onTestFinished(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port: (server.address() as AddressInfo).port, sockets }
}

/** All that comes back for these bytes, until the connection ends or `until` is in it. */
async function raw(url: string, bytes: string, until?: string): Promise<string> {
  const socket = connect(Number(new URL(url).port), '127.0.0.1')
  onTestFinished(() => void socket.destroy())
  socket.write(bytes)
  let text = ''
  for await (const piece of socket) {
    text += (piece as Buffer).toString('latin1')
    if (until !== undefined && text.includes(until)) break
  }
  return text
}

const get = (path = '/x', headers = '') => `GET ${path} HTTP/1.1\r\nHost: h\r\n${headers}\r\n`
const closing = 'Connection: close\r\n'

describe('what is not disaggregated', () => {
  test('reaches the decoder as it is, but for the headers of the connection', async () => {
    const d = await mock(json({ ok: true }))
    const s = await sidecar(d.port)
    const head =
      'HOST: example\r\nX-Custom: a\r\nx-custom: b\r\nKeep-Alive: 1\r\nConnection: close, x-hop\r\nX-Hop: 1\r\nX-Forwarded-For: 1.2.3.4\r\n'
    const text = await raw(s.url, `POST //odd/../p?q=%00 HTTP/1.1\r\n${head}Content-Length: 4\r\n\r\n{"a"`)
    expect(text).toMatch(/^HTTP\/1.1 200 OK\r\ncontent-type: application\/json\r\n/)
    const [seen] = d.seen
    expect([seen!.url, seen!.text]).toEqual(['//odd/../p?q=%00', '{"a"'])
    const lines = seen!.rawHeaders
    expect(lines.slice(0, 6)).toEqual(['HOST', 'example', 'X-Custom', 'a', 'x-custom', 'b'])
    expect(seen!.headers['x-forwarded-for']).toBe('1.2.3.4, 127.0.0.1')
    expect(seen!.headers['x-hop'] ?? seen!.headers['keep-alive']).toBeUndefined()
  })

  test('also what looks like a generation without a prefiller: nothing is parsed', async () => {
    const d = await mock(json({ ok: true }))
    const s = await sidecar(d.port)
    for (const path of ['/v1/chat/completions', '/v1/responses', '/v1/messages', '/inference/v1/generate'])
      await post(s.url, '{"a"', {}, path)
    expect(d.seen.map(one => one.text)).toEqual(['{"a"', '{"a"', '{"a"', '{"a"'])
    expect(counted(s, 'requests_total{api_type="vllm_generate"}')).toBe(1)
  })

  test('GET on these paths, HEAD, no body', async () => {
    const d = await mock(json({ ok: true }))
    const s = await sidecar(d.port)
    expect((await fetch(`${s.url}/v1/chat/completions`)).status).toBe(200)
    const head = await fetch(`${s.url}/v1/models`, { method: 'HEAD' })
    expect([head.headers.get('content-length'), await head.text()]).toEqual(['11', ''])
    expect(d.seen.map(one => one.method)).toEqual(['GET', 'HEAD'])
  })

  test('several requests on one connection, sent at once', async () => {
    const d = await mock((seen, res) => json({ url: seen.url })(seen, res, 0))
    const s = await sidecar(d.port)
    const text = await raw(s.url, get('/1') + get('/2') + get('/3', closing))
    expect([...text.matchAll(/"url":"(.*?)"/g)].map(match => match[1])).toEqual(['/1', '/2', '/3'])
  })

  test('an upload that waits for 100 Continue', async () => {
    const d = await mock((seen, res) => json({ length: seen.text.length })(seen, res, 0))
    const s = await sidecar(d.port)
    const req = request(`${s.url}/upload`, { method: 'POST', headers: { expect: '100-continue' } })
    req.once('continue', () => req.end('x'.repeat(1_000_000)))
    req.flushHeaders()
    const [res] = await once(req, 'response')
    let text = ''
    for await (const piece of res) text += piece
    expect(text).toBe('{"length":1000000}')
    expect(d.seen[0]!.headers.expect).toBeUndefined()
  })

  test('another protocol', async () => {
    const d = await bare((socket, text) => {
      if (text.startsWith('GET'))
        socket.write('HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n')
      else socket.end(`you said ${text}`)
    })
    const s = await sidecar(d.port)
    const socket = connect(s.ports[0]!, '127.0.0.1')
    socket.write(get('/ws', 'Upgrade: echo\r\nConnection: Upgrade\r\n'))
    const [first] = await once(socket, 'data')
    expect(String(first)).toMatch(/^HTTP\/1.1 101 /)
    socket.write('hello')
    const [second] = await once(socket, 'data')
    expect(String(second)).toBe('you said hello')
  })
})

describe('an answer', () => {
  const frames = '5\r\nhello\r\n6;x=y\r\n world\r\n0\r\nX-Sum: 11\r\n\r\n'

  test('in chunks passes in the same chunks, with its trailers', async () => {
    const d = await bare(socket =>
      socket.write(`HTTP/1.1 200 Fine\r\nTransfer-Encoding: chunked\r\nTrailer: X-Sum\r\nX-A: b\r\n\r\n${frames}`),
    )
    const s = await sidecar(d.port)
    const text = await raw(s.url, get('/x', closing))
    const [head, ...body] = text.split('\r\n\r\n')
    expect(head).toMatch(/^HTTP\/1.1 200 Fine\r\nX-A: b\r\ntransfer-encoding: chunked\r\n/i)
    expect(body.join('\r\n\r\n')).toBe(frames)
  })

  test('in chunks is taken apart for a client of HTTP/1.0', async () => {
    const d = await bare(socket => socket.write(`HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n${frames}`))
    const s = await sidecar(d.port)
    const text = await raw(s.url, 'GET /x HTTP/1.0\r\n\r\n')
    expect(text).toMatch(/\r\n\r\nhello world$/)
    expect(text).not.toMatch(/transfer-encoding/i)
  })

  test('that ends with its connection ends properly here', async () => {
    const d = await bare(socket => socket.end('HTTP/1.0 200 OK\r\n\r\nhello'))
    const s = await sidecar(d.port)
    expect(await raw(s.url, get('/x', closing))).toMatch(/\r\n\r\n5\r\nhello\r\n0\r\n\r\n$/)
  })

  test.each([
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', '5\r\nhello\r\n'],
    ['HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhello', 'hello'],
    ['HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\nzz\r\n', ''],
  ])('that breaks off breaks off: %j', async (answer, body) => {
    const d = await bare(socket => socket.end(answer))
    const s = await sidecar(d.port)
    expect((await raw(s.url, get())).split('\r\n\r\n')[1]).toBe(body)
    expect(counted(s, 'open_legs{stage="decode"}')).toBe(0)
  })

  test.each([
    'garbage\r\n\r\n',
    'SSH-2.0-x\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\n',
    'HTTP/1.1 200 OK\r\n',
    '',
    'HTTP/1.1 101 Go\r\n\r\n',
    'HTTP/1.1 103 Early\r\n\r\n'.repeat(50),
    `HTTP/1.1 200 OK\r\nx: ${'y'.repeat(1_100_000)}`,
  ])('that is none is a 502: %.30j', async answer => {
    const d = await bare(socket => socket.end(answer))
    const s = await sidecar(d.port)
    const response = await fetch(`${s.url}/x`)
    expect([response.status, ((await response.json()) as { type: string }).type]).toEqual([502, 'BadGateway'])
  })

  test('after interim ones', async () => {
    const d = await bare(socket =>
      socket.write(
        'HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nx: y\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
      ),
    )
    const s = await sidecar(d.port)
    expect(await (await fetch(`${s.url}/x`)).text()).toBe('ok')
  })

  test('of no decoder is a 503', async () => {
    const s = await sidecar(1)
    const response = await post(s.url, chat)
    expect([response.status, await response.json()]).toEqual([
      503,
      {
        object: 'error',
        message:
          'The decode node is not ready. Please check that the vLLM service is running and the port configuration is correct.',
        type: 'ServiceUnavailable',
        param: '',
        code: 503,
      },
    ])
    expect((await fetch(`${s.url}/health`)).status).toBe(200)
    expect((await fetch(`${s.url}/health/ready`)).status).toBe(503)
  })
})

describe('a connection to the decoder', () => {
  test('is used again, and a stale one is replaced once', async () => {
    const d = await bare((socket, _text, index) => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: 1\r\n\r\n${index}`)
    })
    const s = await sidecar(d.port)
    const ask = async () => (await fetch(`${s.url}/x`, { method: 'POST', body: 'b' })).text()
    expect([await ask(), await ask()]).toEqual(['0', '0'])
    // The server ends it when the next request comes, before a word of an answer.
    d.sockets[0]!.removeAllListeners('data')
    d.sockets[0]!.once('data', () => d.sockets[0]!.destroy())
    expect([await ask(), await ask()]).toEqual(['1', '1'])
  })

  test('that was new is not replaced: the request may have been read', async () => {
    const d = await bare(socket => socket.destroy())
    const s = await sidecar(d.port)
    expect([(await fetch(`${s.url}/x`)).status, d.sockets.length]).toEqual([502, 1])
  })

  test('ends when the client leaves, before and in the answer', async () => {
    const d = await bare((socket, text) => {
      if (text.startsWith('GET /stream'))
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
    })
    const s = await sidecar(d.port)
    for (const [path, until] of [
      ['/stream', 'hello'],
      ['/silent', undefined],
    ] as const) {
      const before = d.sockets.length
      const client = connect(s.ports[0]!, '127.0.0.1')
      client.write(get(path))
      if (until !== undefined) await once(client, 'data')
      await expect.poll(() => d.sockets.length).toBe(before + 1)
      const ended = once(d.sockets[before]!, 'close')
      client.destroy()
      await ended
    }
    await expect.poll(() => counted(s, 'open_legs{stage="decode"}')).toBe(0)
  })

  test('of a slow client and of a quick one share no byte', async () => {
    // Each answer says in every line whose it is.
    const d = await bare((socket, text) => {
      const line = `${/^GET \/(\w+)/.exec(text)![1]!.padEnd(63, '.')}\n`
      const block = Buffer.from(line.repeat(1024))
      let left = 128
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${left * block.length}\r\n\r\n`)
      const more = (): void => {
        while (left-- > 0) if (!socket.write(block)) return
      }
      socket.on('drain', more)
      more()
    })
    const s = await sidecar(d.port)
    const read = async (name: string, slow: boolean): Promise<Set<string>> => {
      const lines = new Set<string>()
      let rest = ''
      const response = await fetch(`${s.url}/${name}`)
      for await (const piece of response.body!.pipeThrough(new TextDecoderStream())) {
        const all = (rest + piece).split('\n')
        rest = all.pop()!
        for (const line of all) lines.add(line)
        if (slow) await new Promise(resolve => setImmediate(resolve))
      }
      return lines
    }
    const names = ['a', 'b', 'c', 'd']
    const seen = await Promise.all(names.map((name, at) => read(name, at % 2 === 0)))
    expect(seen).toEqual(names.map(name => new Set([name.padEnd(63, '.')])))
  })

  test('is read no further than its client reads', async () => {
    const block = Buffer.alloc(64 * 1024, 'x')
    let written = 0
    const d = await bare(socket => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 1000000000\r\n\r\n')
      const more = (): void => {
        while (written < 300_000_000 && socket.write(block)) written += block.length
      }
      socket.on('drain', more)
      more()
    })
    const s = await sidecar(d.port)
    const client = connect(s.ports[0]!, '127.0.0.1')
    client.pause()
    client.write(get())
    let last = -1
    // It stands still long before its end.
    await expect.poll(() => last === (last = written), { interval: 100 }).toBe(true)
    expect(written).toBeLessThan(100_000_000)
    client.destroy()
  })
})
