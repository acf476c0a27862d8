import { Metadata, status } from '@grpc/grpc-js'
import { afterAll, beforeAll, expect, test, vi } from 'vitest'
import { GrpcClient } from '../testing/client.ts'
import { startServer, type TestServer } from '../testing/server.ts'

interface Response {
  readonly response: 'chunk' | 'complete'
  readonly complete: { readonly finish_reason: string; readonly output_ids: number[] }
}

let server: TestServer
let client: GrpcClient
let draining = false

beforeAll(async () => {
  server = await startServer({ latency: { interTokenLatency: 20 }, context: { draining: () => draining } })
  client = new GrpcClient(server.address)
})

afterAll(async () => {
  client.close()
  await server.close()
})

const endless = {
  tokenized: { input_ids: [1, 2, 3] },
  sampling_params: { max_tokens: 1000, ignore_eos: true },
  stream: true,
}
const wait = { timeout: 60_000, interval: 5 }

test('a cancelled call frees its slot', async () => {
  const call = client.stream('Generate', endless)
  const ended = new Promise<{ code: number }>(resolve => call.on('error', resolve as never))
  await new Promise(resolve => call.once('data', resolve))
  expect(server.engine.running).toBe(1)
  call.cancel()
  expect((await ended).code).toBe(status.CANCELLED)
  await vi.waitFor(() => expect(server.engine.running).toBe(0), wait)
})

test('a deadline ends a call and frees its slot', async () => {
  const { error } = await client.messages('Generate', endless, undefined, { deadline: Date.now() + 150 })
  expect(error?.code).toBe(status.DEADLINE_EXCEEDED)
  await vi.waitFor(() => expect(server.engine.running).toBe(0), wait)
})

test('Abort ends the stream of its id in order, and a whole answer with the ids so far', async () => {
  const streamed = client.messages<Response>('Generate', { ...endless, request_id: 'one' })
  const whole = client.messages<Response>('Generate', { ...endless, request_id: 'two', stream: false })
  await vi.waitFor(() => expect(server.engine.running).toBe(2), wait)
  await client.unary('Abort', { request_ids: ['one', 'two', 'nobody'] })
  expect(server.engine.running).toBe(0)
  const [first, second] = await Promise.all([streamed, whole])
  expect(first.error).toBeUndefined()
  expect(first.messages.at(-1)!.complete.finish_reason).toBe('abort')
  expect(second.messages[0]!.complete.finish_reason).toBe('abort')
})

test('a server that shuts down refuses new calls, and running ones go on', async () => {
  const request = { ...endless, sampling_params: { max_tokens: 20, ignore_eos: true } }
  const running = client.messages<Response>('Generate', request)
  await vi.waitFor(() => expect(server.engine.running).toBe(1), wait)
  draining = true
  const { error } = await client.messages('Generate', endless)
  expect(error).toMatchObject({ code: status.UNAVAILABLE, details: 'server is shutting down' })
  draining = false
  expect((await running).messages).toHaveLength(21)
})

test('failures that metadata asks for have their code', async () => {
  const metadata = new Metadata()
  metadata.set('x-return-error', '429')
  const { error } = await client.messages('Generate', endless, metadata)
  expect(error).toMatchObject({
    code: status.RESOURCE_EXHAUSTED,
    details: 'Simulated error triggered by X-Return-Error header (code 429)',
  })
  const unknown = new Metadata()
  unknown.set('x-lora-name', 'nobody')
  expect((await client.messages('Generate', endless, unknown)).error?.code).toBe(status.NOT_FOUND)
})

test('two calls without an id are two requests', async () => {
  const request = { ...endless, request_id: '', sampling_params: { max_tokens: 2, ignore_eos: true } }
  const answers = await Promise.all([client.messages('Generate', request), client.messages('Generate', request)])
  for (const { error, messages } of answers) {
    expect(error).toBeUndefined()
    expect(messages).toHaveLength(3)
  }
})
