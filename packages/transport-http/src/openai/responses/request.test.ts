import { FnvHasher, PrefixCache } from '@vllm-sim/core-engine'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { brokenStream } from '../../testing/failing-engine.ts'
import { namedEvents } from '../../testing/named-events.ts'
import { startServer, type TestServer } from '../../testing/server.ts'

let server: TestServer
let echo: TestServer
beforeAll(async () => {
  server = await startServer()
  echo = await startServer({ settings: { echo: true } })
})
afterAll(() => Promise.all([server.close(), echo.close()]))

const model = 'my-model'
const parse = 'Failed to read and parse request body, '

async function failure(body: object | string): Promise<{ status: number; message: string }> {
  const response = await server.post('/v1/responses', body)
  const { error } = (await response.json()) as { error: { message: string; code: number } }
  expect(error.code).toBe(response.status)
  return { status: response.status, message: error.message }
}

describe('bodies that cannot be used', () => {
  test.each([
    [{}, 'input is required'],
    [{ input: null }, 'input is required'],
    [{ input: 5 }, 'input must be a string or array: '],
    [{ input: ['x'] }, 'input must be a string or array: '],
    [{ input: [{ type: 'web_search_call' }] }, 'unsupported input item type "web_search_call"'],
    [{ input: [{ content: [{ type: 'input_file' }] }] }, 'unsupported input content type "input_file"'],
    [{ input: 'x', tools: {} }, 'tools must be an array: '],
    [{ input: 'x', tools: [1] }, 'invalid tool entry: '],
    [{ input: 'x', tools: [{ type: 'web_search' }] }, 'unsupported tool type "web_search"'],
    [{ input: 'x', tools: [{ type: 'function' }] }, 'tool name is required'],
    [{ input: 'x', tool_choice: { type: 'magic' } }, 'unknown ToolChoice type: magic'],
    [{ input: 'x', tool_choice: { type: 'function' } }, 'tool_choice function requires a name'],
    [{ input: 'x', max_output_tokens: '5' }, '`max_output_tokens` must be an integer'],
    [{ input: 'x', stream: 'yes' }, '`stream` must be a boolean'],
  ])('%j', async (body, detail) => {
    const { status, message } = await failure({ model, ...body })
    expect(status).toBe(400)
    expect(message.startsWith(parse + detail)).toBe(true)
  })

  test('no JSON', async () => {
    expect((await failure('{')).message.startsWith(parse)).toBe(true)
  })
})

describe('requests that only cost', () => {
  test('are refused with the bound that they exceed', async () => {
    const many = 'input can have at most 16384 entries and content parts, got 16385.'
    const parts = Array(16_384).fill({ type: 'input_text', text: '' })
    for (const input of [Array(16_385).fill({}), [{ content: parts }]]) {
      expect(await failure({ model, input })).toEqual({ status: 400, message: many })
    }
  })

  test('logprobs of an answer have a bound in sum', async () => {
    const long = await startServer({ engine: { maxModelLen: 100_000 } })
    const body = { model, input: 'x', include: ['message.output_text.logprobs'], top_logprobs: 20 }
    const refused = await long.post('/v1/responses', body)
    expect(refused.status).toBe(400)
    expect(await refused.text()).toContain('set max_output_tokens')
    expect((await long.post('/v1/responses', { ...body, max_output_tokens: 10 })).status).toBe(200)
    await long.close()
  })
})

describe('requests that are refused', () => {
  test.each([
    [{ model: 'other' }, 404, 'The model `other` does not exist.'],
    [{ max_output_tokens: 0 }, 400, 'Max completion tokens and max tokens should be positive'],
    [{ ignore_eos: true }, 400, 'Ignore_eos is true but max_completion_tokens (or max_tokens) is not set'],
    [{ stream: true, kv_transfer_params: { do_remote_decode: true } }, 400, 'Prefill does not support streaming'],
    [{ prompt: { id: 'pmpt_1' } }, 400, 'prompt template is not supported'],
    [{ top_logprobs: 21 }, 400, 'Requested sample logprobs of 21, which is greater than max allowed: 20'],
    [{ top_logprobs: -2 }, 400, '`top_logprobs` must be a positive value or -1.'],
    [{ temperature: 3 }, 400, 'temperature must be in [0, 2], got 3.'],
    [{ text: { format: { type: 'xml' } } }, 400, 'text.format of type "xml" is not supported'],
    [
      { text: { format: { type: 'json_object' } }, structured_outputs: { regex: 'a' } },
      400,
      'You can only use one kind of structured outputs constraint but multiple are specified: ',
    ],
    [{ tools: [{ type: 'function', name: 'f' }] }, 400, 'Tool validation failed: '],
    [
      { max_output_tokens: 1020 },
      400,
      "This model's maximum context length is 1024 tokens. However, you requested 1026 tokens (6 in the messages, 1020 in the completion).",
    ],
  ])('%j', async (body, status, message) => {
    const result = await failure({ model, input: 'x', ...body })
    expect(result.status).toBe(status)
    expect(result.message.startsWith(message)).toBe(true)
  })

  test.each([
    { n: 0 },
    { n: 'many' },
    { tool_choice: 'required' },
    { tools: [] },
    { input: [] },
    { tool_choice: null, tools: null, text: null, reasoning: null, metadata: null },
  ])('what the reference takes is taken: %j', async body => {
    const response = await server.post('/v1/responses', { model, input: 'x', ...body })
    expect(response.status).toBe(200)
  })
})

describe('echo shows how input is read', () => {
  const url = 'data:image/png;base64,AAAA'
  test.each([
    ['Hello', 'Hello'],
    [[{ role: 'user', content: 'Hello' }], 'Hello'],
    [[{ role: 'user', content: [{ text: 'a' }, { type: 'input_text', text: 'b' }] }], 'a\nb'],
    [[{ role: 'user', content: [{ type: 'input_image', image_url: url }] }], `image: ${url}`],
    [
      [
        {
          role: 'user',
          content: [
            { type: 'output_text', text: 'a' },
            { type: 'input_audio', data: 'AA', format: 'wav' },
          ],
        },
      ],
      'a\naudio: wav',
    ],
    [[{ role: 'user', content: [{ type: 'input_audio', input_audio: { data: 'AA', format: 'mp3' } }] }], 'audio: mp3'],
    [[{ type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' }], 'f({})'],
    [[{ type: 'function_call_output', call_id: 'c', output: 'sunny' }], 'sunny'],
    [[{ type: 'function_call_output', call_id: 'c', output: [{ type: 'input_text', text: 'x' }] }], 'x'],
    [[], ''],
  ])('%j', async (input, text) => {
    const response = await echo.json<{ output: unknown[] }>('/v1/responses', { model, input })
    expect(response.output).toMatchObject([{ content: [{ text }] }])
  })

  test.each([
    ['Hello', 6],
    // ### user: Hello⏎### assistant: [f({})]⏎### tool(c): sunny⏎
    [
      [
        { role: 'user', content: 'Hello' },
        { type: 'function_call', call_id: 'c', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'c', output: 'sunny' },
      ],
      6 + 12 + 9,
    ],
  ])('the prompt of %j has %i tokens', async (input, tokens) => {
    const response = await server.json<{ usage: { input_tokens: number } }>('/v1/responses', { model, input })
    expect(response.usage.input_tokens).toBe(tokens)
  })
})

test("only the server's threshold of cached tokens refuses, with a complete and empty answer", async () => {
  const cache = (): PrefixCache => new PrefixCache({ size: 64, blockSize: 8, hasher: new FnvHasher('') })
  const body = { model, input: 'x', cache_hit_threshold: 1 }
  const header = { 'x-cache-threshold-finish-reason': 'true' }
  type Answer = { usage: { output_tokens: number }; output: unknown[]; status: string }
  const open = await startServer({ engine: { cache: cache() } })
  expect((await open.json<Answer>('/v1/responses', body, header)).usage.output_tokens).toBeGreaterThan(0)
  await open.close()
  const strict = await startServer({ engine: { cache: cache(), cacheHitThreshold: 1 } })
  const refused = await strict.json<Answer>('/v1/responses', body)
  expect(refused).toMatchObject({
    status: 'completed',
    usage: { output_tokens: 0 },
    output: [{ content: [{ text: '' }] }],
  })
  const text = await (await strict.post('/v1/responses', { ...body, stream: true })).text()
  expect(namedEvents(text).map(event => event.type)).toEqual([
    'response.created',
    'response.in_progress',
    'response.output_item.added',
    'response.content_part.added',
    'response.output_text.done',
    'response.content_part.done',
    'response.output_item.done',
    'response.completed',
  ])
  await strict.close()
})

test('an error in the middle of a stream is a frame and a complete end', async () => {
  const text = await brokenStream(server.context, '/v1/responses', { model, input: 'x' })
  expect(text.split('\n\n').slice(-3)).toEqual([
    'data: {"error":{"message":"the engine broke","type":"InternalServerError","param":null,"code":500}}',
    'data: [DONE]',
    '',
  ])
  expect(text).not.toContain('response.completed')
})

test('an error in a stream that has not begun has its own status; injected ones too', async () => {
  const response = await server.post('/v1/responses', { model, input: 'x', stream: true }, { 'x-return-error': '503' })
  expect(response.status).toBe(503)
  expect(response.headers.get('content-type')).toBe('application/json')
})
