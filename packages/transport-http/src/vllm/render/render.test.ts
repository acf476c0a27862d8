import { SimulatedTokenizer, TokenizerError } from '@vllm-sim/tokenizer'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer, type TestServer } from '../../testing/server.ts'

const chatPath = '/v1/chat/completions/render'
const textPath = '/v1/completions/render'

interface Rendered {
  request_id: string
  token_ids: number[]
  features?: object
  sampling_params: object
  token_offsets?: [number, number][]
}

let server: TestServer
beforeAll(async () => {
  server = await startServer({ settings: { podHeaders: { 'x-inference-pod': 'pod-1' } } })
})
afterAll(() => server.close())

const messages = [{ role: 'user', content: 'q1' }]

const errorOf = async (path: string, value: unknown): Promise<[number, string]> => {
  const response = await server.post(path, value)
  const { error } = (await response.json()) as { error: { message: string; code: number } }
  expect(error.code).toBe(response.status)
  return [response.status, error.message]
}

test('a conversation becomes one object with its token ids', async () => {
  const rendered = await server.json<Rendered>(chatPath, { model: 'my-model', messages })
  expect(rendered).toEqual({
    request_id: expect.stringMatching(/^chatcmpl-test-\d+$/),
    token_ids: [638357778, 638357778, 399020470, 1618501362, 2382766391, 2844342823],
    sampling_params: {},
    model: 'my-model',
    stream: false,
    priority: 0,
  })
})

test('media become features', async () => {
  const content = [
    { type: 'text', text: 'describe' },
    { type: 'image_url', image_url: { url: 'http://x/a.jpg' } },
  ]
  const { token_ids: ids, features } = await server.json<Rendered>(chatPath, {
    model: 'my-model',
    messages: [{ role: 'user', content }],
  })
  expect(ids).toHaveLength(17)
  expect(features).toEqual({
    mm_hashes: { image: ['sim_img_0_98463ad0'] },
    mm_placeholders: { image: [{ offset: 0, length: 17 }] },
    kwargs_data: { image: ['c2ltX2ltZ18wXzk4NDYzYWQw'] },
  })
})

test('each prompt of a text completion becomes an object, ids are left alone', async () => {
  const rendered = async (prompt: unknown): Promise<number[][]> =>
    (await server.json<Rendered[]>(textPath, { model: 'my-model', prompt })).map(one => one.token_ids)
  const hello = [2871118705, 933488787]
  expect(await rendered('Hello world')).toEqual([hello])
  expect(await rendered(['Hello world', 'Hello world'])).toEqual([hello, hello])
  expect(await rendered([5, 0, 4294967295])).toEqual([[5, 0, 4294967295]])
  expect(await rendered([[1], [2, 3]])).toEqual([[1], [2, 3]])
})

test('what the request says about generation goes along', async () => {
  const shared = {
    model: 'my-model',
    temperature: 0.5,
    stop: ['x'],
    n: 2,
    seed: 3,
    cache_salt: 'salt',
    priority: 4,
    stream: true,
    stream_options: { include_usage: true },
    kv_transfer_params: { do_remote_prefill: true },
  }
  const carried = {
    model: 'my-model',
    stream: true,
    stream_options: { include_usage: true },
    cache_salt: 'salt',
    priority: 4,
    kv_transfer_params: { do_remote_prefill: true },
  }
  const sampling = { temperature: 0.5, stop: ['x'], n: 2, seed: 3 }
  const chat = { ...shared, messages, max_tokens: 9, max_completion_tokens: 7, logprobs: true, top_logprobs: 3 }
  expect(await server.json(chatPath, chat)).toMatchObject({
    ...carried,
    sampling_params: { ...sampling, max_tokens: 7, logprobs: 3 },
  })
  const [first] = await server.json<Rendered[]>(textPath, { ...shared, prompt: 'hi', max_tokens: 9, logprobs: 2 })
  expect(first).toMatchObject({
    ...carried,
    request_id: expect.stringMatching(/^cmpl-test-\d+-0$/),
    sampling_params: { ...sampling, max_tokens: 9, logprobs: 2 },
  })
})

test('offsets of tokens count characters of the rendered text', async () => {
  const { token_ids: ids, token_offsets: offsets } = await server.json<Rendered>(chatPath, {
    model: 'my-model',
    messages: [{ role: 'user', content: 'a 😀 b' }],
    return_token_offsets: true,
  })
  expect(offsets).toHaveLength(ids.length)
  const text = [...'### user: a 😀 b\n']
  expect(offsets!.map(([start, end]) => text.slice(start, end).join('')).join('')).toBe(text.join(''))
  expect(offsets!.at(-1)![1]).toBe(text.length)
})

test('the headers of generation answers, and an id of the client', async () => {
  const response = await server.post(chatPath, { model: 'my-model', messages }, { 'x-request-id': 'abc' })
  expect(response.headers.get('x-request-id')).toBe('abc')
  expect(response.headers.get('x-inference-pod')).toBe('pod-1')
  expect(((await response.json()) as Rendered).request_id).toBe('chatcmpl-abc')
})

test('errors in the order of the checks', async () => {
  server.engine.loras.register('adapter', '')
  const none = 'prompt array must contain at least one prompt'
  expect(await errorOf(chatPath, '{')).toEqual([400, expect.stringMatching(/^Failed to read and parse request body, /)])
  expect(await errorOf(chatPath, { model: 'nope' })).toEqual([400, 'messages must not be empty'])
  expect(await errorOf(chatPath, { model: 'nope', messages })).toEqual([404, 'The model `nope` does not exist.'])
  expect(await errorOf(chatPath, { model: 'adapter', messages })).toEqual([
    400,
    'The model `adapter` is a LoRA adapter and is not supported by the render endpoints.',
  ])
  expect(await errorOf(textPath, { model: 'nope' })).toEqual([400, none])
  expect(await errorOf(textPath, { model: 'my-model', prompt: [] })).toEqual([400, none])
  expect(await errorOf(textPath, { model: 'my-model', prompt: ['a', ''] })).toEqual([
    400,
    'prompt must not contain an empty string',
  ])
  expect(await errorOf(textPath, { model: 'my-model', prompt: [[]] })).toEqual([
    400,
    'prompt must not contain an empty token-id array',
  ])
})

test('parameters are not multiplied without bound', async () => {
  const [status, message] = await errorOf(textPath, {
    model: 'my-model',
    prompt: Array.from({ length: 1024 }, () => 'a'),
    stop: ['x'.repeat(1_000_000)],
  })
  expect(status).toBe(400)
  expect(message).toContain('too large')
})

test('a failing tokenizer is the server’s fault, a refusing template the request’s', async () => {
  const fail = async (error: Error): Promise<[number, string]> => {
    const tokenizer = new SimulatedTokenizer()
    tokenizer.encodeChat = () => {
      throw error
    }
    const own = await startServer({ tokenizer })
    const response = await own.post(chatPath, { model: 'my-model', messages })
    const { error: body } = (await response.json()) as { error: { message: string } }
    await own.close()
    return [response.status, body.message]
  }
  expect(await fail(new Error('gone'))).toEqual([500, 'Render failed, gone'])
  expect(await fail(new TokenizerError('bad roles', 'invalid_request'))).toEqual([400, 'bad roles'])
})

test('answers while generation is refused', async () => {
  const own = await startServer()
  Object.assign(own.context, { draining: () => true })
  expect((await own.post('/v1/chat/completions', { model: 'my-model', messages })).status).toBe(503)
  expect((await own.post(chatPath, { model: 'my-model', messages }, { 'x-return-error': '500' })).status).toBe(200)
  await own.close()
})

test('offsets are for prompts that can be shown', async () => {
  const body = { model: 'my-model', return_token_offsets: true }
  const long = { ...body, messages: [{ role: 'user', content: 'a '.repeat(140_000) }] }
  const [status, message] = await errorOf(chatPath, long)
  expect(status).toBe(400)
  expect(message).toContain('return_token_offsets is possible for prompts of at most 131072 tokens')
  expect((await server.post(chatPath, { ...body, messages })).status).toBe(200)
})
