import { once } from 'node:events'
import type { Socket } from 'node:net'
import { type Clock, RealClock, RequestError } from '@vllm-sim/core-engine'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { failAnswers } from '../generation/watch-client.ts'
import { RawClient, rawPost } from '../testing/raw-http.ts'
import { startServer, type TestServer } from '../testing/server.ts'

const chatPath = '/v1/chat/completions'
const chat = { model: 'my-model', messages: [{ role: 'user', content: 'Hello' }], max_tokens: 5, ignore_eos: true }

let server: TestServer
const logged: unknown[] = []

beforeAll(async () => {
  server = await startServer({ settings: { maxBodyBytes: 1 << 20 } })
  server.context.log.error = fields => logged.push(fields)
})
beforeEach(() => {
  logged.length = 0
})
afterAll(() => server.close())

const connect = (to = server): Promise<RawClient> => RawClient.connect(to.url)

async function expectIdle(of = server): Promise<void> {
  await new Promise<void>(resolve => of.engine.whenIdle(resolve))
  expect(of.engine.snapshot()).toMatchObject({ running: 0, waiting: 0 })
  expect((await fetch(`${of.url}/health`)).status).toBe(200)
  expect(logged).toEqual([])
}

const messageOf = (body: string): string => (JSON.parse(body) as { error: { message: string } }).error.message

test('pipelined requests are answered in order', async () => {
  const client = await connect()
  client.send(
    rawPost(chatPath, { ...chat, stream: true }, 'X-Request-Id: one\r\n') +
      rawPost(chatPath, chat, 'X-Request-Id: two\r\n') +
      'GET /v1/models HTTP/1.1\r\nHost: x\r\n\r\n' +
      rawPost(chatPath, '{', 'X-Request-Id: four\r\n') +
      rawPost(
        '/inference/v1/generate',
        { model: 'my-model', token_ids: [1], sampling_params: {}, stream: true },
        'X-Request-Id: five\r\n',
      ) +
      rawPost(chatPath, { ...chat, stream: true, n: 3 }, 'X-Request-Id: six\r\n'),
  )
  const answers = []
  for (let i = 0; i < 6; i++) answers.push(await client.answer())
  expect(answers.map(answer => answer.status)).toEqual([200, 200, 200, 400, 200, 200])
  expect(answers.map(answer => answer.headers['x-request-id'])).toEqual([
    'one',
    'two',
    undefined,
    undefined,
    'five',
    'six',
  ])
  for (const at of [0, 4, 5]) expect(answers[at]!.body).toMatch(/data: \[DONE\]\n\n$/)
  expect(answers[0]!.body).toContain('"chatcmpl-one"')
  client.socket.destroy()
})

test('HTTP/1.0: no chunks, and the connection ends with the answer', async () => {
  for (const stream of [false, true]) {
    const client = await connect()
    client.send(rawPost(chatPath, { ...chat, stream }, '', '1.0'))
    const { status, headers, body } = await client.answer()
    expect(status).toBe(200)
    expect(headers['transfer-encoding']).toBeUndefined()
    if (stream) expect(body).toMatch(/^data: \{.*data: \[DONE\]\n\n$/s)
    else expect(JSON.parse(body)).toMatchObject({ object: 'chat.completion' })
    expect(await client.closed()).toBe(true)
  }
})

test('a client may wait for the permission to send its body', async () => {
  const client = await connect()
  const [head, body] = rawPost(chatPath, chat, 'Expect: 100-continue\r\n').split('\r\n\r\n') as [string, string]
  client.send(`${head}\r\n\r\n`)
  expect((await client.answer()).status).toBe(100)
  client.send(body)
  expect((await client.answer()).status).toBe(200)
  client.socket.destroy()
})

test('a body in chunks that cut characters', async () => {
  const client = await connect()
  client.send(`POST ${chatPath} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`)
  const body = Buffer.from(JSON.stringify({ model: 'né😀', messages: [] }))
  for (const byte of body) client.send(Buffer.concat([Buffer.from('1\r\n'), Buffer.of(byte), Buffer.from('\r\n')]))
  client.send('0\r\n\r\n')
  const answer = await client.answer()
  expect(answer.status).toBe(404)
  expect(messageOf(answer.body)).toBe('The model `né😀` does not exist.')
  client.socket.destroy()
})

test('other methods and paths', async () => {
  const client = await connect()
  const ask = async (line: string): Promise<[number, string | undefined, string]> => {
    client.send(`${line} HTTP/1.1\r\nHost: x\r\n\r\n`)
    const { status, headers, body } = await client.answer(line.startsWith('HEAD'))
    return [status, headers['allow'], body]
  }
  for (const path of [
    chatPath,
    '/v1/completions',
    '/inference/v1/generate',
    '/v1/embeddings',
    '/v1/chat/completions/render',
    '/v1/completions/derender',
  ]) {
    expect(await ask(`GET ${path}`)).toEqual([405, 'POST, OPTIONS', 'Method Not Allowed'])
    expect(await ask(`PATCH ${path}`)).toEqual([405, 'POST, OPTIONS', 'Method Not Allowed'])
    expect(await ask(`OPTIONS ${path}`)).toEqual([200, 'POST, OPTIONS', ''])
    expect(await ask(`HEAD ${path}`)).toEqual([405, 'POST, OPTIONS', ''])
  }
  expect(await ask('HEAD /v1/models')).toEqual([405, 'GET, OPTIONS', ''])
  expect(await ask('GET /nowhere')).toEqual([404, undefined, 'Not Found'])
  expect(await ask('POST /v1')).toEqual([404, undefined, 'Not Found'])
  expect((await ask('GET //v1///models?x=//'))[0]).toBe(200)
  expect((await ask('GET http://elsewhere/v1/models'))[0]).toBe(200)
  expect((await ask('GET /%'))[0]).toBeLessThan(500)
  client.socket.destroy()
})

test.each(['HTTP/1.1', 'HTTP/1.0'])('a client that sends all before it reads sees the refusal, %s', async version => {
  const client = await connect()
  const size = 3 << 20
  client.send(`POST ${chatPath} ${version}\r\nHost: x\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`)
  client.send('x'.repeat(size / 2))
  expect((await fetch(`${server.url}/health`)).status).toBe(200)
  client.send('x'.repeat(size / 2))
  expect((await client.answer()).status).toBe(413)
  await expectIdle()
})

test('a body over the limit is refused while it is still being sent, and the connection goes on', async () => {
  for (const path of [chatPath, '/v1/embeddings', '/tokenize']) {
    const client = await connect()
    const size = 3 << 20
    client.send(`POST ${path} HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(1000)}`)
    const early = await client.answer()
    expect(early.status).toBe(413)
    expect(messageOf(early.body)).toContain(`limit of ${1 << 20} bytes`)
    client.send('x'.repeat(size - 1000))
    client.send(rawPost(chatPath, chat))
    expect((await client.answer()).status).toBe(200)
    client.socket.destroy()
  }
  const client = await connect()
  client.send(`POST ${chatPath} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`)
  const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`
  for (let i = 0; i < 17; i++) client.send(chunk)
  expect((await client.answer()).status).toBe(413)
  client.send(`${chunk}0\r\n\r\n`)
  client.send(rawPost(chatPath, chat))
  expect((await client.answer()).status).toBe(200)
  client.socket.destroy()
  await expectIdle()
})

test.each([
  ['HELLO\r\n\r\n', 400],
  ['GET / HTTP/9.9\r\n\r\n', 400],
  ['POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: x\r\n\r\n', 400],
  ['POST /v1/completions HTTP/1.1\r\nHost: x\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n{}', 400],
  ['POST /v1/completions HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n', 400],
  ['GET /health HTTP/1.1\r\nHost: x\r\nBad header\r\n\r\n', 400],
  ['GET /health HTTP/1.1\r\n\r\n', 400],
  [`GET /health HTTP/1.1\r\nHost: x\r\nA: ${'x'.repeat(70_000)}\r\n\r\n`, 431],
  ['\u0016\u0003\u0001\u0002\u0000\u0001', 400],
])('what is no HTTP gets an answer and the end: %j', async (text, status) => {
  const client = await connect()
  client.send(text)
  const answer = await client.answer()
  expect(answer.status).toBe(status)
  expect(await client.closed()).toBe(true)
  await expectIdle()
})

test('what is no HTTP behind a request lets its answer end, puts nothing into it, and ends the connection', async () => {
  const slow = await startServer({ latency: { timeToFirstToken: 30, interTokenLatency: 10 } })
  for (const stream of [true, false]) {
    const client = await connect(slow)
    client.send(`${rawPost(chatPath, { ...chat, stream })}\u0000garbage\r\n\r\n`)
    if (stream) {
      await client.receive(text => text.includes('data: '))
      client.send('more garbage\r\n\r\n')
    }
    const all = await client.receive(() => false)
    expect(all.match(/HTTP\/1\.1 /g)).toHaveLength(1)
    expect(all).toMatch(stream ? /data: \[DONE\]\n\n\r\n0\r\n\r\n$/ : /^HTTP\/1\.1 200 OK.*"finish_reason".*\}$/s)
  }
  await expectIdle(slow)
  await slow.close()
})

test('1,000 header lines', async () => {
  const client = await connect()
  const lines = Array.from({ length: 1000 }, (_, i) => `H${i}: 1\r\n`).join('')
  client.send(rawPost(chatPath, chat, lines))
  expect((await client.answer()).status).toBe(200)
  client.socket.destroy()
})

test('a client that has closed its side still gets its answer', async () => {
  for (const stream of [false, true]) {
    const client = await connect()
    client.socket.end(rawPost(chatPath, { ...chat, stream }))
    const { status, body } = await client.answer()
    expect(status).toBe(200)
    if (stream) expect(body).toMatch(/data: \[DONE\]\n\n$/)
  }
  await expectIdle()
})

test('clients that leave while they send', async () => {
  for (const path of [chatPath, '/v1/embeddings', '/v1/completions/render']) {
    const text = rawPost(path, { ...chat, input: 'x'.repeat(1000) })
    const reset = await connect()
    reset.send(text.slice(0, -500))
    await new Promise(resolve => reset.socket.write('', resolve))
    reset.reset()
    const ended = await connect()
    ended.socket.end(text.slice(0, -500))
    expect(await ended.closed()).toBe(true)
  }
  await expectIdle()
})

test('clients that leave while they are answered, or before', async () => {
  const slow = await startServer({ latency: { timeToFirstToken: 1, interTokenLatency: 5 }, engine: { maxNumSeqs: 5 } })
  slow.context.log.error = fields => logged.push(fields)
  const long = { ...chat, max_tokens: 1000 }
  const bodies: [string, object][] = [
    [chatPath, { ...long, stream: true }],
    [chatPath, { ...long, stream: true, n: 4, logprobs: true }],
    ['/v1/completions', { ...long, prompt: ['a', 'b'], stream: true }],
    ['/v1/responses', { model: 'my-model', input: 'hi', max_output_tokens: 1000, ignore_eos: true, stream: true }],
    ['/v1/messages', { ...long, stream: true }],
    ['/inference/v1/generate', { model: 'my-model', token_ids: [1], sampling_params: long, stream: true }],
    [chatPath, long],
    ['/inference/v1/generate', { model: 'my-model', token_ids: [1], sampling_params: { ...long, n: 6 } }],
  ]
  const clients = await Promise.all([...bodies, ...bodies].map(() => connect(slow)))
  clients.forEach((client, at) => {
    const [path, body] = bodies[at % bodies.length]!
    client.send(rawPost(path, body))
  })
  // The first ones are being answered, the others wait.
  await Promise.any(clients.map(client => client.receive(text => text.includes('\n\n'))))
  await expect.poll(() => slow.engine.snapshot().running).toBe(5)
  for (const client of clients) client.reset()
  await expectIdle(slow)
  await slow.close()
})

test('a client that closed its side and got nothing for a second is given up', async () => {
  const slow = await startServer({ latency: { timeToFirstToken: 600_000 } })
  for (const body of [chat, { ...chat, stream: true }]) {
    const client = await connect(slow)
    client.socket.end(rawPost(chatPath, body))
    expect(await client.closed()).toBe(true)
  }
  await expectIdle(slow)
  await slow.close()
})

test('a client that reads nothing holds its stream, not the memory, and leaves nothing behind', async () => {
  const own = await startServer({ engine: { maxModelLen: 4_000_000 } })
  const client = await connect(own)
  client.socket.pause()
  client.send(rawPost(chatPath, { ...chat, max_tokens: 3_000_000, stream: true }))
  await expect.poll(() => own.engine.running, { interval: 5 }).toBe(1)
  // Other answers pass while this one is held.
  for (let i = 0; i < 20; i++) expect((await own.post(chatPath, chat)).status).toBe(200)
  expect(own.engine.running).toBe(1)
  client.reset()
  await expectIdle(own)
  await own.close()
})

/** A server whose socket to the client can be looked at, and a client that reads nothing yet. */
async function unread(
  body: object,
  http = {},
): Promise<{ own: TestServer; client: RawClient; socket: Promise<Socket> }> {
  const { promise: socket, resolve } = Promise.withResolvers<Socket>()
  const own = await startServer({
    http,
    handler: api => (req, res) => {
      if (req.url === chatPath) resolve(req.socket)
      api.listener(req, res)
    },
  })
  const client = await connect(own)
  client.socket.pause()
  client.send(rawPost(chatPath, body))
  return { own, client, socket }
}

const large = { ...chat, max_tokens: 900, n: 24, logprobs: true, top_logprobs: 20 }
/** Bytes that may be ready for a client that reads nothing; the whole answer has 50 MB. */
const mostReady = 8 * 1024 * 1024

test.each([true, false])('a large answer is made as it is read, stream %s', async stream => {
  const { own, client, socket } = await unread({ ...large, stream })
  const { promise, resolve } = Promise.withResolvers<void>()
  own.engine.whenIdle(resolve)
  // The choices of a stream that is not read may be held in the engine.
  if (!stream) await promise
  await expect.poll(async () => (await socket).writableNeedDrain).toBe(true)
  for (let i = 0; i < 20; i++) expect((await fetch(`${own.url}/health`)).status).toBe(200)
  expect((await socket).writableLength).toBeLessThan(mostReady)
  let bytes = 0
  let tail = ''
  const chunks: Buffer[] = []
  client.socket.removeAllListeners('data')
  client.socket.on('data', (chunk: Buffer) => {
    bytes += chunk.length
    chunks.push(chunk)
    tail = (tail + chunk.toString('latin1')).slice(-200)
  })
  client.socket.resume()
  await expect.poll(() => tail.endsWith('\r\n0\r\n\r\n')).toBe(true)
  expect(bytes).toBeGreaterThan(2 * mostReady)
  if (stream) expect(tail).toContain('data: [DONE]')
  else {
    const text = Buffer.concat(chunks).toString().split('\r\n\r\n').slice(1).join('\r\n\r\n')
    expect(JSON.parse(dechunked(text)).choices).toHaveLength(24)
  }
  await own.close()
})

function dechunked(text: string): string {
  let whole = ''
  for (let at = 0; ; ) {
    const line = text.indexOf('\r\n', at)
    const size = Number.parseInt(text.slice(at, line), 16)
    if (size === 0) return whole
    whole += text.slice(line + 2, line + 2 + size)
    at = line + 4 + size
  }
}

test.each([true, false])(
  'a client that takes nothing is given up after the write time-out, stream %s',
  async stream => {
    const { own, client, socket } = await unread({ ...large, stream }, { writeTimeout: 100 })
    if (!(await socket).destroyed) await once(await socket, 'close')
    await new Promise<void>(resolve => own.engine.whenIdle(resolve))
    client.socket.destroy()
    await own.close()
  },
)

test('what concerns sockets is in real time, however quick the simulation', async () => {
  const real = new RealClock()
  const scale = 1000
  const clock: Clock = {
    real,
    eventLoopTurn: 0,
    now: () => real.now() * scale,
    wall: () => real.wall(),
    timer: (delay, run) => real.timer(delay / scale, run),
    timerAt: (due, run) => real.timer(due / scale - real.now(), run),
    soon: run => real.soon(run),
    whenFree: run => real.whenFree(run),
  }
  const quick = await startServer({
    clock,
    latency: { timeToFirstToken: 100_000 },
  })
  const client = await connect(quick)
  client.socket.end(rawPost(chatPath, chat))
  expect((await client.answer()).status).toBe(200)
  await quick.close()
})

test('a request id that Node would send back as other bytes is refused', async () => {
  for (const stream of [false, true]) {
    const client = await connect()
    client.send(Buffer.from(rawPost(chatPath, { ...chat, stream }, 'X-Request-Id: n\u00e9\r\n')))
    const answer = await client.answer()
    expect(answer.status).toBe(400)
    expect(messageOf(answer.body)).toContain('X-Request-Id')
    client.socket.destroy()
  }
})

test('who follows a response in the background gets an error when the server cannot wait, and the response goes on', async () => {
  const sockets = new Set<Socket>()
  const slow = await startServer({
    latency: { timeToFirstToken: 1, interTokenLatency: 100_000 },
    handler: api => (req, res) => {
      sockets.add(req.socket)
      api.listener(req, res)
    },
  })
  const client = await connect(slow)
  client.send(rawPost('/v1/responses', { model: 'my-model', input: 'a', stream: true, background: true }))
  const begun = await client.receive(text => text.includes('output_text.delta'))
  for (const socket of sockets) failAnswers(socket, new RequestError(503, 'over'))
  expect((await client.answer()).body).toMatch(/\n\ndata: \{"error":\{"message":"over".*\}\n\ndata: \[DONE\]\n\n$/s)
  expect(slow.engine.snapshot().running).toBe(1)
  const id = /"id":"(resp_[^"]+)"/.exec(begun)![1]
  await fetch(`${slow.url}/v1/responses/${id}`, { method: 'DELETE' })
  client.socket.destroy()
  await expectIdle(slow)
  await slow.close()
})

test('answers that the server cannot wait for end with an error, in the form of their protocol', async () => {
  const sockets = new Set<Socket>()
  const slow = await startServer({
    latency: { timeToFirstToken: 1, interTokenLatency: 100_000 },
    handler: api => (req, res) => {
      sockets.add(req.socket)
      api.listener(req, res)
    },
  })
  const bodies: [string, object, RegExp][] = [
    [chatPath, { ...chat, stream: true }, /data: \{"error":\{"message":"over".*\}\n\ndata: \[DONE\]\n\n$/s],
    ['/v1/completions', { ...chat, prompt: 'a', stream: true }, /"message":"over".*\}\n\ndata: \[DONE\]\n\n$/s],
    ['/v1/messages', { ...chat, stream: true }, /event: error\ndata: \{.*"message":"over".*\}\n\n$/s],
    [chatPath, chat, /^\{"error":\{"message":"over"/],
  ]
  const clients = await Promise.all(bodies.map(() => connect(slow)))
  for (const [at, [path, body]] of bodies.entries()) clients[at]!.send(rawPost(path, body))
  await expect.poll(() => slow.engine.snapshot().running).toBe(bodies.length)
  await Promise.all(clients.slice(0, 3).map(client => client.receive(text => text.includes('data: '))))
  for (const socket of sockets) failAnswers(socket, new RequestError(503, 'over'))
  for (const [at, [, , form]] of bodies.entries()) {
    const answer = await clients[at]!.answer()
    expect(answer.body).toMatch(form)
    clients[at]!.socket.destroy()
  }
  await expectIdle(slow)
  await slow.close()
})
