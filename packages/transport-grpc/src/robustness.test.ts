import { type ClientHttp2Session, connect, type IncomingHttpHeaders } from 'node:http2'
import { connect as connectRaw } from 'node:net'
import { create, toBinary } from '@bufbuild/protobuf'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { GenerateRequestSchema } from './gen/vllm/grpc/engine/engine_pb.ts'
import { GrpcClient } from './testing/client.ts'
import { startServer, type TestServer } from './testing/server.ts'
import { frame } from './wire/frame.ts'

const path = '/vllm.grpc.engine.VllmEngine/Generate'
const runs = process.env['FULL'] === '1' ? 500 : 100

let server: TestServer
let session: ClientHttp2Session

beforeAll(async () => {
  server = await startServer({ context: { maxMessageBytes: 100_000, stalledAfter: 100 } })
  session = connect(`http://${server.address}`)
})

afterAll(async () => {
  session.destroy()
  await server.close()
})

/** Sends bytes as the body of a call. @returns the status of the answer, wherever it stands */
function send(body: Uint8Array, headers: Record<string, string> = {}): Promise<IncomingHttpHeaders> {
  return new Promise((resolve, reject) => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
      ...headers,
    })
    let all: IncomingHttpHeaders = {}
    stream.on('response', head => {
      all = { ...all, ...head }
    })
    stream.on('trailers', trailers => {
      all = { ...all, ...trailers }
    })
    stream
      .on('error', reject)
      .on('close', () => resolve(all))
      .resume()
    stream.end(body)
  })
}

const good = () =>
  toBinary(
    GenerateRequestSchema,
    create(GenerateRequestSchema, {
      input: { case: 'tokenized', value: { inputIds: [1, 2, 3] } },
      samplingParams: { maxTokens: 3, stop: ['x'], n: 1 },
      stream: true,
    }),
  )

test('mutated messages get a status, and the connection lives', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(fc.tuple(fc.nat(40), fc.nat(255)), { minLength: 1, maxLength: 6 }), async changes => {
      const message = good()
      for (const [at, value] of changes) message[at % message.length] = value
      expect((await send(frame(message)))['grpc-status']).toMatch(/^\d+$/)
    }),
    { numRuns: runs },
  )
  expect((await send(frame(good())))['grpc-status']).toBe('0')
  await vi.waitFor(() => expect(server.engine.running).toBe(0), { timeout: 60_000 })
})

test('bytes that are no frame get a status', async () => {
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ maxLength: 64 }), async bytes => {
      expect((await send(bytes))['grpc-status']).toMatch(/^\d+$/)
    }),
    { numRuns: runs },
  )
})

test('too large, half a message, two messages, compressed without a name', async () => {
  expect(await send(frame(new Uint8Array(100_001)))).toMatchObject({
    'grpc-status': '8',
    'grpc-message': expect.stringContaining('--grpc-max-message-size-mb'),
  })
  expect((await send(frame(good()).subarray(0, 9)))['grpc-status']).toBe('3')
  expect((await send(Buffer.concat([frame(good()), frame(good())])))['grpc-status']).toBe('12')
  expect((await send(Buffer.from([1, 0, 0, 0, 0])))['grpc-status']).toBe('13')
})

test('unknown methods, services and codecs', async () => {
  const unknown = { ':path': '/vllm.grpc.engine.VllmEngine/Nothing' }
  expect(await send(frame(good()), unknown)).toMatchObject({ 'grpc-status': '12' })
  expect(await send(frame(good()), { ':path': '/no.Service/Call' })).toMatchObject({ 'grpc-status': '12' })
  expect(await send(frame(good()), { 'content-type': 'application/grpc+avro' })).toMatchObject({ ':status': 415 })
})

test('fuzzed HTTP/2 frames end their connection alone', async () => {
  const [host, port] = server.address.split(':') as [string, string]
  await fc.assert(
    fc.asyncProperty(fc.uint8Array({ minLength: 9, maxLength: 200 }), async bytes => {
      const socket = connectRaw(Number(port), host)
      const closed = new Promise(resolve => socket.once('close', resolve))
      socket.on('error', () => {}).resume()
      socket.write('PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n')
      socket.end(bytes)
      await closed
    }),
    { numRuns: 20 },
  )
  expect((await send(frame(good())))['grpc-status']).toBe('0')
})

test('a lost connection ends all of its calls, also those that had something to send', async () => {
  const message = create(GenerateRequestSchema, {
    input: { case: 'text', value: 'a' },
    samplingParams: { maxTokens: 1000, ignoreEos: true },
    stream: true,
  })
  const body = frame(toBinary(GenerateRequestSchema, message))
  const paced = await startServer({ engine: { maxNumSeqs: 1000 }, latency: { interTokenLatency: 20 } })
  for (let round = 0; round < 2; round++) {
    const lost = connect(`http://${paced.address}`)
    const streams = Array.from({ length: 500 }, () =>
      lost.request({ ':method': 'POST', ':path': path, 'content-type': 'application/grpc', te: 'trailers' }),
    )
    const begun = streams.map(stream => new Promise(resolve => stream.once('data', resolve)))
    for (const stream of streams) {
      stream.on('error', () => {})
      stream.end(body)
    }
    await Promise.all(begun)
    lost.destroy()
    await vi.waitFor(() => expect(paced.engine.running).toBe(0), { timeout: 60_000 })
  }
  await paced.close()
})

test('a reader that stops is given up, and holds nobody else', async () => {
  const client = new GrpcClient(server.address)
  const request = {
    tokenized: { input_ids: [1] },
    sampling_params: { max_tokens: 900, n: 40, ignore_eos: true, logprobs: 20 },
  }
  const stalled = connect(`http://${server.address}`, { settings: { initialWindowSize: 1024 } })
  const message = create(GenerateRequestSchema, {
    input: { case: 'text', value: 'a' },
    samplingParams: { maxTokens: 900, n: 40, ignoreEos: true, logprobs: 20 },
    stream: true,
  })
  const stream = stalled.request({
    ':method': 'POST',
    ':path': path,
    'content-type': 'application/grpc',
    te: 'trailers',
  })
  const ended = new Promise(resolve => stream.once('close', resolve))
  stream.on('error', () => {}).pause()
  stream.end(frame(toBinary(GenerateRequestSchema, message)))
  expect((await client.messages('Generate', { ...request, sampling_params: { max_tokens: 3 } })).error).toBeUndefined()
  await ended
  await vi.waitFor(() => expect(server.engine.running).toBe(0), { timeout: 60_000 })
  stalled.destroy()
  client.close()
})
