import { FnvHasher, PrefixCache } from '@vllm-sim/core-engine'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer, type TestServer } from '../../testing/server.ts'

const path = '/inference/v1/generate'

interface Choice {
  index: number
  finish_reason: string | null
  token_ids: number[]
  logprobs: { content: { token: string; logprob: number; top_logprobs: { token: string }[] }[] } | null
}

interface Generated {
  request_id: string
  model: string
  created: number
  choices: Choice[]
  usage?: { prompt_tokens: number; completion_tokens: number; total_tokens: number }
  prompt_logprobs?: unknown[]
  kv_transfer_params?: object
  ec_transfer_params: object | null
}

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const body = (sampling: object = {}, rest: object = {}): object => ({
  model: 'my-model',
  token_ids: [1, 2, 3, 4],
  sampling_params: sampling,
  ...rest,
})

const errorOf = async (value: unknown): Promise<unknown> => {
  const response = await server.post(path, value)
  expect(response.status).toBe(400)
  return ((await response.json()) as { error: { message: string } }).error.message
}

test('a whole answer has the members of the reference and of vLLM', async () => {
  const answer = await server.json<Generated>(path, body({ max_tokens: 2, ignore_eos: true }))
  expect(answer).toEqual({
    request_id: expect.stringMatching(/^test-\d+$/),
    model: 'my-model',
    created: expect.any(Number),
    choices: [
      {
        index: 0,
        logprobs: null,
        finish_reason: 'length',
        token_ids: [expect.any(Number), expect.any(Number)],
      },
    ],
    usage: { prompt_tokens: 4, completion_tokens: 2, total_tokens: 6, prompt_tokens_details: { cached_tokens: 0 } },
    ec_transfer_params: null,
  })
})

test('the finish reason rides on the last token of each choice of a stream, once', async () => {
  const request = body(
    { max_tokens: 3, ignore_eos: true, n: 3, seed: 7 },
    { stream_options: { include_usage: true }, request_id: 'mine', ignore_eos: true },
  )
  const frames = await server.frames<Generated | '[DONE]'>(path, request)
  expect(frames.at(-1)).toBe('[DONE]')
  const chunks = frames.slice(0, -1) as Generated[]
  expect(chunks.at(-1)).toEqual({
    request_id: 'mine',
    choices: [],
    usage: { prompt_tokens: 4, completion_tokens: 9, total_tokens: 13, prompt_tokens_details: { cached_tokens: 0 } },
  })
  const whole = await server.json<Generated>(path, body({ max_tokens: 3, ignore_eos: true, n: 3, seed: 7 }))
  for (const index of [0, 1, 2]) {
    const own = chunks.flatMap(chunk => chunk.choices).filter(choice => choice.index === index)
    expect(own.map(choice => choice.finish_reason)).toEqual([null, null, 'length'])
    expect(own.flatMap(choice => choice.token_ids)).toEqual(whole.choices[index]!.token_ids)
    expect(own.every(choice => choice.token_ids.length === 1)).toBe(true)
  }
  expect(chunks.slice(0, -1).some(chunk => 'usage' in chunk)).toBe(false)
})

test('continuous usage counts up', async () => {
  const frames = await server.frames<Generated>(
    path,
    body(
      { max_tokens: 3, ignore_eos: true },
      { stream_options: { include_usage: true, continuous_usage_stats: true } },
    ),
  )
  expect(frames.slice(0, -1).map(frame => frame.usage?.completion_tokens)).toEqual([1, 2, 3, 3])
})

test('logprobs name tokens by id; prompt logprobs begin with null', async () => {
  const { choices, prompt_logprobs: prompt } = await server.json<Generated>(
    path,
    body({ max_tokens: 3, ignore_eos: true, logprobs: 2, prompt_logprobs: 1 }),
  )
  const { token_ids: ids, logprobs } = choices[0]!
  expect(logprobs!.content.map(entry => entry.token)).toEqual(ids.map(id => `token_id:${id}`))
  expect(logprobs!.content.every(entry => entry.top_logprobs.length === 2 && entry.logprob <= 0)).toBe(true)
  expect(prompt).toHaveLength(4)
  expect(prompt![0]).toBeNull()
  expect(prompt![1]).toMatchObject({ 2: { rank: 1 } })
  const none = await server.json<Generated>(path, body({ max_tokens: 1, logprobs: 0 }))
  expect(none.choices[0]!.logprobs!.content[0]!.top_logprobs).toEqual([])
  const frames = await server.frames<Generated>(path, body({ max_tokens: 2, ignore_eos: true, logprobs: 1 }))
  expect(frames.slice(0, -1).map(frame => frame.choices[0]!.logprobs!.content.length)).toEqual([1, 1])
})

test('stop token ids, minimum and seed have their effect', async () => {
  const all = await server.json<Generated>(path, body({ max_tokens: 20, ignore_eos: true, seed: 5 }))
  const stop = all.choices[0]!.token_ids[3]!
  const stopped = await server.json<Generated>(
    path,
    body({ max_tokens: 400, ignore_eos: true, stop_token_ids: [stop] }),
  )
  expect(stopped.choices[0]!.token_ids.at(-1)).toBe(stop)
  expect(stopped.choices[0]!.finish_reason).toBe('stop')
  const again = await server.json<Generated>(path, body({ max_tokens: 20, ignore_eos: true, seed: 5 }))
  expect(again.choices).toEqual(all.choices)
  const long = await server.json<Generated>(path, body({ max_tokens: 60, min_tokens: 60 }))
  expect(long.choices[0]!.token_ids).toHaveLength(60)
})

test.each([
  [{ model: 'my-model', sampling_params: {} }, 'Missing input token_ids'],
  [{ model: 'my-model', token_ids: null, sampling_params: {} }, 'Missing input token_ids'],
  [{ model: 'my-model', token_ids: [1] }, 'Missing sampling_params field'],
  [body({ max_tokens: 0 }), 'Max completion tokens and max tokens should be positive'],
  [body({ n: 0 }), 'n must be at least 1'],
  [body({ ignore_eos: true }), 'Ignore_eos is true but max_completion_tokens (or max_tokens) is not set'],
  [body({}, { ignore_eos: true }), 'Ignore_eos is true but max_completion_tokens (or max_tokens) is not set'],
  [body({}, { stream: true, kv_transfer_params: { do_remote_decode: true } }), 'Prefill does not support streaming'],
  [
    body({ extra_args: { kv_transfer_params: { do_remote_decode: true } } }, { stream: true }),
    'Prefill does not support streaming',
  ],
  [body({ logprobs: 21 }), 'Requested sample logprobs of 21, which is greater than max allowed: 20'],
  [body({}, { token_ids: [1, -1] }), 'Failed to read and parse request body, `token_ids[1]` must be >= 0'],
  [body({}, { token_ids: 'x' }), 'Failed to read and parse request body, `token_ids` must be an array'],
  [
    body({}, { features: { mm_hashes: { image: 'x' } } }),
    'Failed to read and parse request body, `features.mm_hashes.image` must be an array',
  ],
])('refuses %j', async (request, message) => {
  expect(await errorOf(request)).toBe(message)
})

test('parameters of a P/D transfer at the root win over those in the extra arguments', async () => {
  const prefill = { do_remote_decode: true, remote_block_ids: null, remote_host: null }
  const inner = await server.json<Generated>(path, body({ max_tokens: 1, extra_args: { kv_transfer_params: prefill } }))
  expect(inner.choices[0]!.finish_reason).toBe('remote_decode')
  expect(inner.kv_transfer_params).toMatchObject({ do_remote_prefill: true, remote_block_ids: ['DUMMY_ID'] })
  const outer = await server.json<Generated>(
    path,
    body(
      { max_tokens: 1, extra_args: { kv_transfer_params: prefill } },
      { kv_transfer_params: { ...inner.kv_transfer_params, remote_block_ids: [[1, 2], [3]] } },
    ),
  )
  expect(outer.choices[0]!.finish_reason).toBe('length')
  expect(outer).not.toHaveProperty('kv_transfer_params')
})

test('echo repeats the ids, also none', async () => {
  const echo = await startServer({ settings: { echo: true } })
  const { choices } = await echo.json<Generated>(path, body({ max_tokens: 2 }))
  expect(choices).toEqual([{ index: 0, logprobs: null, finish_reason: 'length', token_ids: [1, 2, 3, 4] }])
  const frames = await echo.frames<Generated | '[DONE]'>(path, body({}, { token_ids: [] }))
  expect(frames).toEqual([
    { request_id: expect.any(String), choices: [{ index: 0, logprobs: null, finish_reason: 'stop', token_ids: [] }] },
    '[DONE]',
  ])
  await echo.close()
})

test('only the threshold of the server refuses, and a refused stream is complete', async () => {
  const own = await startServer({
    engine: { cacheHitThreshold: 0.5, cache: new PrefixCache({ size: 64, blockSize: 2, hasher: new FnvHasher('') }) },
  })
  const request = { model: 'my-model', token_ids: [1, 2, 3, 4], sampling_params: { max_tokens: 1 } }
  const frames = await own.frames<Generated>(path, { ...request, cache_hit_threshold: 0 })
  expect(frames).toEqual([
    {
      request_id: expect.any(String),
      choices: [{ index: 0, logprobs: null, finish_reason: 'cache_threshold', token_ids: [] }],
    },
    '[DONE]',
  ])
  // The refused request has filled the cache.
  const second = await own.json<Generated>(path, { ...request, cache_hit_threshold: 1 })
  expect(second.choices.map(choice => choice.finish_reason)).toEqual(['length'])
  const header = await own.json<Generated>(path, request, { 'x-cache-threshold-finish-reason': 'true' })
  expect(header.choices[0]!.finish_reason).toBe('length')
  await own.close()
})

test('the cache salt and the hashes of media separate cached prefixes', async () => {
  const own = await startServer({
    engine: { cache: new PrefixCache({ size: 64, blockSize: 2, hasher: new FnvHasher('') }) },
  })
  const cached = async (rest: object): Promise<number> => {
    const { usage } = await own.json<{ usage: { prompt_tokens_details: { cached_tokens: number } } }>(
      path,
      body({ max_tokens: 1 }, rest),
    )
    return usage.prompt_tokens_details.cached_tokens
  }
  const features = (hash: string): object => ({
    features: {
      mm_hashes: { image: [hash] },
      mm_placeholders: { image: [{ offset: 0, length: 4 }] },
      kwargs_data: { image: [null] },
    },
  })
  for (const rest of [{}, { cache_salt: 'a' }, features('x'), features('y')]) {
    expect(await cached(rest)).toBe(0)
    expect(await cached(rest)).toBe(4)
  }
  await own.close()
})

test('with only the encoder, the answer tells where its output is', async () => {
  const encoder = await startServer({ settings: { mmEncoderOnly: true } })
  const features = { mm_hashes: { image: ['sim_img_0_e2cca4f5'] }, mm_placeholders: null }
  const answer = await encoder.json<Generated>(path, body({ max_tokens: 2 }, { features }))
  expect(answer.ec_transfer_params).toEqual({
    sim_img_0_e2cca4f5: {
      peer_host: 'DUMMY',
      peer_port: 1234,
      size_bytes: 2359296,
      nixl_agent_metadata_b64: 'TklYTF9NRVRBREFUQV9QTEFDRUhPTERFUg==',
    },
  })
  expect(answer.choices[0]).toMatchObject({
    finish_reason: 'length',
    token_ids: [expect.any(Number), expect.any(Number)],
  })
  await encoder.close()
})
