import { create } from '@bufbuild/protobuf'
import { type Cancel, SimulatedTokenizer } from '@vllm-sim/tokenizer'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { GenerateRequestSchema } from '../gen/vllm/grpc/engine/engine_pb.ts'
import { GrpcClient } from '../testing/client.ts'
import { startServer, type TestServer } from '../testing/server.ts'
import { startGenerate } from './call.ts'
import { MessageQueue } from './message-queue.ts'

/** What happens to each text that is encoded. */
let begun = Promise.withResolvers<Cancel | undefined>()
let encoding = Promise.withResolvers<never>()
let server: TestServer

beforeAll(async () => {
  const tokenizer = Object.assign(new SimulatedTokenizer(), {
    encode(_text: string, _options: object, cancel?: Cancel) {
      const { signal } = cancel!
      signal!.addEventListener('abort', () => encoding.reject(signal!.reason))
      begun.resolve(cancel)
      return encoding.promise
    },
  })
  server = await startServer({ context: { tokenizer } })
})

afterAll(() => server.close())

test.each([
  ['is cancelled', true],
  ['has a deadline that passes', false],
])('a call that %s while its prompt is tokenized ends that work', async (_what, cancels) => {
  begun = Promise.withResolvers()
  encoding = Promise.withResolvers()
  const client = new GrpcClient(server.address)
  const isBegun = begun.promise.then(() => true)
  // On a slow machine a call may not arrive before its deadline; the next one has twice as long.
  for (let time = 100, arrived = false; !arrived; time *= 2) {
    const deadline = cancels ? {} : { deadline: Date.now() + time }
    const call = client.stream('Generate', { text: 'long', stream: true }, undefined, deadline)
    const ended = new Promise<boolean>(resolve => call.on('error', () => resolve(false)))
    arrived = await Promise.race([isBegun, ended])
    if (cancels) call.cancel()
    await ended
  }
  await expect(encoding.promise).rejects.toThrow('aborted')
  expect(server.engine.running).toBe(0)
  client.close()
})

test('so it is with calls of the other protocols, also when the client has left before', async () => {
  for (const leavesBefore of [true, false]) {
    begun = Promise.withResolvers()
    encoding = Promise.withResolvers()
    const abort = new AbortController()
    if (leavesBefore) abort.abort()
    const queue = new MessageQueue(abort.signal)
    const wire = create(GenerateRequestSchema, { input: { case: 'text', value: 'long' } })
    startGenerate(wire, () => undefined, '', 0, queue, server.context)
    const { signal } = (await begun.promise)!
    expect(signal!.aborted).toBe(leavesBefore)
    abort.abort()
    expect(signal!.aborted).toBe(true)
  }
})
