import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { status } from '@grpc/grpc-js'
import { FnvHasher, PrefixCache } from '@vllm-sim/core-engine'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { NumberedBatch } from '../kv-events/source.ts'
import { GrpcClient } from '../testing/client.ts'
import { startServer, type TestServer } from '../testing/server.ts'
import { TokenizerArchive } from '../tokenizer/archive.ts'

let server: TestServer
let client: GrpcClient
let folder: string
let listener: ((batch: NumberedBatch) => void) | undefined

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'tokenizer-'))
  await writeFile(join(folder, 'tokenizer.json'), 'x'.repeat(300_000))
  server = await startServer({
    context: {
      archive: new TokenizerArchive(folder),
      kvEvents: {
        latest: 7,
        subscribe(from, hear) {
          if (from !== undefined && from < 5) return undefined
          listener = hear
          return () => {
            listener = undefined
          }
        },
      },
    },
  })
  client = new GrpcClient(server.address)
})

afterAll(async () => {
  client.close()
  await server.close()
  await rm(folder, { recursive: true })
})

test('what the model and the server are', async () => {
  expect(await client.unary('HealthCheck', {})).toEqual({ healthy: true, message: 'Health' })
  expect(await client.unary('GetModelInfo', {})).toMatchObject({
    model_path: 'org/model',
    is_generation: true,
    max_context_length: 1024,
    served_model_name: 'my-model',
  })
  expect(await client.unary('GetServerInfo', {})).toMatchObject({
    active_requests: 0,
    is_paused: false,
    server_type: 'vllm-grpc',
    data_parallel_size: 1,
    block_size: 16,
  })
  await client.messages('Generate', { tokenized: { input_ids: [1, 2] }, sampling_params: { max_tokens: 3 } })
  const loads = await client.unary<{ loads: object[] }>('GetLoads', { dp_rank: 0, include: ['all'] })
  expect(loads.loads).toHaveLength(1)
  expect(loads.loads[0]).toMatchObject({
    num_running_reqs: 0,
    max_total_num_tokens: 16 * 1024,
    max_running_requests: 50,
  })
})

test('an embedding has the values of the HTTP endpoint', async () => {
  const {
    embedding,
    prompt_tokens: tokens,
    embedding_dim: dimensions,
  } = await client.unary<{
    embedding: number[]
    prompt_tokens: number
    embedding_dim: number
  }>('Embed', { tokenized: { input_ids: [512, 0, 1023] } })
  expect([tokens, dimensions, embedding.length]).toEqual([3, 384, 384])
  expect(embedding.slice(0, 4)).toEqual([0, -1, 1023 / 512 - 1, ((512 % 256) * 4) / 512 - 1])
  await expect(client.unary('Embed', {})).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: 'EmbedRequest requires tokenized input',
  })
})

test('the tokenizer comes in pieces, the last with the hash', async () => {
  const { messages } = await client.messages<{ data: Buffer; sha256: string }>('GetTokenizer', {})
  expect(messages.length).toBeGreaterThan(0)
  expect(messages.at(-1)!.sha256).toMatch(/^[0-9a-f]{64}$/)
  for (const piece of messages.slice(0, -1)) expect(piece).toMatchObject({ sha256: '' })
})

test('there is no profiler', async () => {
  await expect(client.unary('StartProfile', { profile_by_stage: true, output_dir: '/x' })).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: expect.stringContaining('output_dir, profile_by_stage'),
  })
  await expect(client.unary('StartProfile', {})).rejects.toMatchObject({ code: status.INTERNAL })
  await expect(client.unary('StopProfile', {})).rejects.toMatchObject({ code: status.INTERNAL })
})

test('the cache is flushed, or waited for until it is too late', async () => {
  expect(await client.unary('FlushCache', { timeout_s: 0 })).toEqual({
    success: true,
    message: 'Local KV prefix cache flushed successfully',
  })
  await expect(client.unary('FlushCache', { timeout_s: -1 })).rejects.toMatchObject({
    code: status.INVALID_ARGUMENT,
    details: 'timeout_s must be finite and non-negative',
  })
  const busy = await startServer({
    latency: { interTokenLatency: 1000 },
    engine: { cache: new PrefixCache({ hasher: new FnvHasher(''), size: 100, blockSize: 4 }) },
  })
  const other = new GrpcClient(busy.address)
  const call = other.stream('Generate', { tokenized: { input_ids: [1, 2, 3, 4, 5] }, stream: true })
  call.on('error', () => {})
  await new Promise(resolve => call.once('data', resolve))
  expect(await other.unary('FlushCache', { timeout_s: 0 })).toMatchObject({ success: false })
  await expect(other.unary('FlushCache', { timeout_s: 0.2 })).rejects.toMatchObject({ code: status.DEADLINE_EXCEEDED })
  call.cancel()
  expect(await other.unary('FlushCache', { timeout_s: 20 })).toMatchObject({ success: true })
  other.close()
  await busy.close()
})

test('cache events come with their numbers and the load; what is forgotten is OUT_OF_RANGE', async () => {
  const { error } = await client.messages('SubscribeKvEvents', { start_sequence_number: 3 })
  expect(error?.code).toBe(status.OUT_OF_RANGE)
  const call = client.stream<{
    sequence_number: string
    events: { event_id: string; stored: { blocks: { block_hash: string; token_ids: number[] }[] } }[]
    load: { sample: string; load_only: boolean }
  }>('SubscribeKvEvents', { start_sequence_number: 6 })
  call.on('error', () => {})
  const next = () => new Promise<never>(resolve => call.once('data', resolve as never))
  await expect.poll(() => listener).toBeDefined()
  const hashes = [2n ** 64n - 1n, 5n]
  const tokenIds = [1, 2, 3, 4]
  const first = next()
  listener!({
    sequence: 8,
    timestamp: 12.5,
    events: [
      {
        type: 'BlockStored',
        hashes,
        parent: undefined,
        tokenIds,
        blockSize: 2,
        loraId: undefined,
        loraName: undefined,
        extraKeys: undefined,
      },
    ],
  })
  expect(await first).toMatchObject({
    sequence_number: '8',
    timestamp: 12.5,
    dp_rank: 0,
    events: [
      {
        event_id: '1',
        stored: {
          blocks: [
            { block_hash: '-1', token_ids: [1, 2], block_size: 2, cache_level: 0 },
            { block_hash: '5', token_ids: [3, 4], block_size: 2, cache_level: 0 },
          ],
          medium: 'GPU',
        },
      },
    ],
    load: { sample: '1', load_only: false },
  })
  // Silence: a heartbeat with the last number.
  expect(await next()).toMatchObject({ sequence_number: '8', events: [], load: { sample: '2', load_only: true } })
  call.cancel()
  await expect.poll(() => listener).toBeUndefined()
})

test('without a cache there are no events', async () => {
  const plain = await startServer()
  const other = new GrpcClient(plain.address)
  expect((await other.messages('SubscribeKvEvents', {})).error).toMatchObject({
    code: status.UNIMPLEMENTED,
    details: expect.stringMatching(/^KV cache events not enabled\./),
  })
  other.close()
  await plain.close()
})
