import { status } from '@grpc/grpc-js'
import { GrpcClient } from '@vllm-sim/transport-grpc/testing'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type ContractServer, contractServer, eventually, loadBecomes } from './contract-server.ts'

// What the reference's clients of gRPC see, and what its metrics say of them.

interface Response {
  readonly response: 'chunk' | 'complete'
  readonly chunk: { readonly token_ids: number[]; readonly prompt_tokens: number; readonly completion_tokens: number }
  readonly complete: {
    readonly output_ids: number[]
    readonly finish_reason: string
    readonly prompt_tokens: number
    readonly completion_tokens: number
  }
}

const four = { input_ids: [32, 45, 78, 13] }

function clientOf(server: ContractServer): GrpcClient {
  const client = new GrpcClient(`127.0.0.1:${server.port}`)
  onTestFinished(() => client.close())
  return client
}

async function generate(server: ContractServer, request: object): Promise<Response[]> {
  const { messages, error } = await clientOf(server).messages<Response>('Generate', request)
  expect(error).toBeUndefined()
  return messages
}

describe('echo', () => {
  const server = contractServer(['--mode', 'echo', '--served-model-name', 'alias'])

  test('the model is the configured one, and an alias does not break calls', async () => {
    expect(await clientOf(server).unary('GetModelInfo', {})).toMatchObject({
      model_path: 'm',
      served_model_name: 'alias',
    })
  })

  test.each([
    [128, 'stop'],
    [3, 'length'],
  ])('%i tokens at most: all ids come back, whole and streamed, with %s', async (most, reason) => {
    const request = { request_id: 'id', tokenized: four, sampling_params: { max_tokens: most } }
    const [whole, ...none] = await generate(server, request)
    expect(none).toEqual([])
    expect(whole!.complete).toMatchObject({
      output_ids: four.input_ids,
      prompt_tokens: 4,
      completion_tokens: 4,
      finish_reason: reason,
    })
    const streamed = await generate(server, { ...request, stream: true })
    expect(streamed.map(one => one.response)).toEqual(['chunk', 'chunk', 'chunk', 'chunk', 'complete'])
    expect(streamed.slice(0, 4).flatMap(one => one.chunk.token_ids)).toEqual(four.input_ids)
    for (const { chunk } of streamed.slice(0, 4))
      expect(chunk).toMatchObject({ prompt_tokens: 4, completion_tokens: 1 })
    expect(streamed[4]!.complete).toMatchObject({ output_ids: [], completion_tokens: 0, finish_reason: reason })
  })

  test('text is tokenized', async () => {
    const request = { text: 'This is a test.', sampling_params: { max_tokens: 128 } }
    expect((await generate(server, request))[0]!.complete.output_ids).toHaveLength(5)
    expect(await generate(server, { ...request, stream: true })).toHaveLength(6)
  })

  test('histograms and counters count a call as a request of HTTP', async () => {
    const before = (await server.metric('vllm:prompt_tokens_total{model_name="alias"}')) ?? 0
    const ids = Array.from({ length: 21 }, (_, at) => at)
    await generate(server, { tokenized: { input_ids: ids }, sampling_params: { max_tokens: 25 } })
    expect(await server.metric('vllm:prompt_tokens_total{model_name="alias"}')).toBe(before + 21)
  })
})

describe('latency', () => {
  const server = contractServer(['--mode', 'echo', '--time-to-first-token', '200ms', '--inter-token-latency', '80ms'])

  test('is in the histograms, and nothing is early', async () => {
    const begun = performance.now()
    await generate(server, { tokenized: four, sampling_params: { max_tokens: 128 }, stream: true })
    expect(performance.now() - begun).toBeGreaterThanOrEqual(200 + 3 * 80 - 1)
    const text = await server.metrics()
    const upTo = (name: string, bound: string): number =>
      Number(new RegExp(`^vllm:${name}_seconds_bucket\\{model_name="m",le="${bound}"\\} (\\S+)$`, 'm').exec(text)?.[1])
    expect([upTo('time_to_first_token', '0.1'), upTo('time_to_first_token', '\\+Inf')]).toEqual([0, 1])
    // A late token makes the next interval shorter, so that only their number is certain.
    expect(upTo('inter_token_latency', '\\+Inf')).toBe(3)
  })
})

describe('random text, queue and KV cache', () => {
  const options = ['--max-num-seqs', '2', '--time-to-first-token', '3s', '--enable-kvcache', '--kv-cache-size', '16']
  const server = contractServer([...options, '--block-size', '8', '--seed', '7'], {
    env: { POD_IP: '127.0.0.1' },
    standing: true,
  })

  test('two run with their blocks, one waits; all end, and nothing is held', async () => {
    const request = { tokenized: { input_ids: [1, 2, 3, 4, 5, 6, 7, 8] }, sampling_params: { max_tokens: 3 } }
    const calls = ['a', 'b', 'c'].map(request_id => generate(server, { ...request, request_id }))
    await loadBecomes(server, 2, 1)
    expect(await server.metric('vllm:kv_cache_usage_perc{model_name="m"}')).toBe(1 / 16)
    server.clock.advance(3000)
    await loadBecomes(server, 1)
    server.clock.advance(3000)
    for (const [one] of await Promise.all(calls)) expect(one!.complete.output_ids.length).toBeGreaterThanOrEqual(1)
    await loadBecomes(server, 0)
    await eventually(async () => expect(await server.metric('vllm:kv_cache_usage_perc{model_name="m"}')).toBe(0))
  })
})

describe('failures', () => {
  const server = contractServer(['--failure-injection-rate', '100', '--failure-types', 'rate_limit'])

  test('have their code', async () => {
    const { error } = await clientOf(server).messages('Generate', { tokenized: four })
    expect(error?.code).toBe(status.RESOURCE_EXHAUSTED)
  })
})
