import { FnvHasher, PrefixCache, VirtualClock } from '@vllm-sim/core-engine'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { namedEvents } from '../testing/named-events.ts'
import { startServer, type TestServer } from '../testing/server.ts'

let server: TestServer
let echo: TestServer
beforeAll(async () => {
  server = await startServer()
  echo = await startServer({ settings: { echo: true } })
})
afterAll(() => Promise.all([server.close(), echo.close()]))

const messages = [{ role: 'user', content: 'Hi' }]
const base = { model: 'my-model', max_tokens: 20, messages }
const parse = 'Failed to read and parse request body, '

describe('requests that are refused', () => {
  test.each<[object, number, string]>([
    [{ messages: 'x' }, 400, `${parse}\`messages\` must be an array`],
    [{ messages: [{ role: 'user', content: 5 }] }, 400, `${parse}content format not supported`],
    [{ messages: [{ role: 'user', content: ['x'] }] }, 400, `${parse}content format not supported`],
    [{ system: 5 }, 400, `${parse}content format not supported`],
    [{ max_tokens: 'x' }, 400, `${parse}\`max_tokens\` must be an integer`],
    [{ model: 'other' }, 404, 'The model `other` does not exist.'],
    [
      { messages: [{ role: 'user', content: [{ type: 'image' }] }] },
      400,
      "image content block is missing required 'source' field",
    ],
    [{ tool_choice: { type: 'tool' } }, 400, "tool_choice of type 'tool' requires a non-empty 'name'"],
    [{ messages: [] }, 400, 'messages must not be empty'],
    [{ messages: null }, 400, 'messages must not be empty'],
    [{ messages: [{ role: 'user', content: [{ type: 'document' }] }] }, 400, 'messages must not be empty'],
    [{ max_tokens: null }, 400, 'max_tokens is required'],
    [{ max_tokens: 0 }, 400, 'Max completion tokens and max tokens should be positive'],
    [{ tools: [{ name: 'f' }] }, 400, 'Tool validation failed: '],
    [{ stop_sequences: [''] }, 400, 'stop cannot contain an empty string.'],
    [{ output_config: { format: { type: 'yaml' } } }, 400, 'output_config.format of type "yaml" is not supported'],
    // The order of checks: the model before the content, the content before the limit.
    [{ model: 'other', messages: [] }, 404, 'The model `other` does not exist.'],
    [{ messages: [], max_tokens: null }, 400, 'messages must not be empty'],
    [{ thread: { type: 'continue' }, model: 'other' }, 404, 'The model `other` does not exist.'],
    [
      { thread: { type: 'continue', previous_message_id: 'msg_1' }, messages: [] },
      404,
      'No thread has the message "msg_1"',
    ],
  ])('%j', async (body, status, message) => {
    const response = await server.post('/v1/messages', { ...base, ...body })
    const { error } = (await response.json()) as { error: { message: string; type: string } }
    expect(response.status).toBe(status)
    expect(error.type).toBe(status === 404 ? 'not_found_error' : 'invalid_request_error')
    expect(error.message.startsWith(message)).toBe(true)
  })

  test.each([
    { messages: [], system: 'alone' },
    { stop: 5, n: 0 },
    { tools: [] },
    { tools: null, tool_choice: null, system: null, thinking: null, output_config: null },
    { tool_choice: { type: 'magic' } },
    { thread: { type: 'create' } },
    { metadata: { user_id: 'me' }, cache_control: { type: 'ephemeral' }, context_management: {} },
  ])('what the reference takes is taken: %j', async body => {
    expect((await server.post('/v1/messages', { ...base, ...body })).status).toBe(200)
  })

  test.each(['/v1/messages', '/v1/messages/count_tokens'])(
    'more blocks than cost nothing are refused: %s',
    async path => {
      const text = { type: 'text', text: '' }
      for (const list of [
        Array(16_385).fill({ role: 'user', content: 'x' }),
        [{ role: 'user', content: Array(16_384).fill(text) }],
        [{ role: 'user', content: [{ type: 'tool_result', content: Array(16_383).fill(text) }] }],
      ]) {
        const response = await server.post(path, { ...base, messages: list })
        expect(response.status).toBe(400)
        expect(await response.text()).toContain('messages can have at most 16384 entries and content parts, got 16385.')
      }
    },
  )

  test('counting needs a model and messages, and no limit', async () => {
    const count = (body: object): Promise<Response> => server.post('/v1/messages/count_tokens?beta=true', body)
    expect(await (await count({ model: 'my-model', messages })).json()).toEqual({
      input_tokens: 6,
      context_management: { original_input_tokens: 6 },
    })
    expect((await count({ model: 'other', messages })).status).toBe(404)
    expect((await count({ model: 'my-model', messages: [] })).status).toBe(400)
    const broken = await server.post('/v1/messages/count_tokens', '{')
    expect(await broken.json()).toMatchObject({ error: { message: expect.stringContaining(parse) } })
  })
})

describe('echo shows how content is read', () => {
  test.each<[object, string]>([
    [[{ role: 'user', content: 'Hello' }], 'Hello'],
    [
      [
        {
          role: 'user',
          content: [
            { type: 'text', text: 'a' },
            { type: 'text', text: 'b' },
          ],
        },
      ],
      'a\nb',
    ],
    [
      [
        {
          role: 'user',
          content: [{ type: 'image', source: { type: 'base64', media_type: 'image/png', data: 'AAAA' } }],
        },
      ],
      'image: data:image/png;base64,AAAA',
    ],
    [
      [{ role: 'user', content: [{ type: 'image', source: { type: 'url', url: 'http://x/a.png' } }] }],
      'image: http://x/a.png',
    ],
    [[{ role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'f', input: { a: 1 } }] }], '[f({"a":1})]'],
    [[{ role: 'assistant', content: [{ type: 'tool_use', id: 't', name: 'f' }] }], '[f({})]'],
    // A result comes after the rest of its message.
    [
      [
        {
          role: 'user',
          content: [
            {
              type: 'tool_result',
              tool_use_id: 't',
              content: [
                { type: 'text', text: 'x' },
                { type: 'text', text: 'y' },
              ],
            },
            { type: 'text', text: 'thanks' },
          ],
        },
      ],
      'x\ny',
    ],
    [[{ role: 'user', content: [{ type: 'tool_result', tool_use_id: 't' }] }], ''],
  ])('%j', async (list, text) => {
    const message = await echo.json<{ content: unknown }>('/v1/messages', { ...base, messages: list })
    expect(message.content).toEqual([{ type: 'text', text }])
  })

  test('an empty echo streams an empty block', async () => {
    const body = { ...base, messages: [{ role: 'user', content: '' }], stream: true }
    const list = namedEvents(await (await echo.post('/v1/messages', body)).text())
    expect(list.map(event => event.type)).toEqual([
      'message_start',
      'content_block_start',
      'ping',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
  })
})

describe('the system prompt', () => {
  const tokens = async (system: unknown): Promise<number> => {
    const { usage } = await server.json<{ usage: { input_tokens: number } }>('/v1/messages', { ...base, system })
    return usage.input_tokens
  }
  test('is text or blocks, and counts', async () => {
    expect(await tokens('Be brief')).toBe(6 + 7)
    expect(await tokens([{ type: 'text', text: 'Be brief', cache_control: { type: 'ephemeral' } }])).toBe(6 + 7)
    expect(
      await tokens([
        { type: 'text', text: 'Be' },
        { type: 'text', text: 'brief' },
      ]),
    ).toBe(6 + 7)
  })

  test('loses the billing header, which differs from request to request', async () => {
    const header = 'x-anthropic-billing-header: cc_version=1; cch=abc;'
    expect(
      await tokens([
        { type: 'text', text: header },
        { type: 'text', text: 'Be brief' },
      ]),
    ).toBe(6 + 7)
    expect(await tokens(`${header}\nBe brief`)).toBe(6 + 7)
    expect(await tokens(header)).toBe(6)
  })
})

test('cached tokens are shown, and input_tokens counts them too', async () => {
  const cached = await startServer({
    engine: { cache: new PrefixCache({ size: 64, blockSize: 8, hasher: new FnvHasher('') }) },
  })
  const body = { ...base, messages: [{ role: 'user', content: 'one two three four five six seven eight nine ten' }] }
  type Usage = { usage: { input_tokens: number; cache_read_input_tokens: number } }
  const first = await cached.json<Usage>('/v1/messages', body)
  const second = await cached.json<Usage>('/v1/messages', body)
  expect(first.usage.cache_read_input_tokens).toBe(0)
  expect(second.usage.cache_read_input_tokens).toBe(8)
  expect(second.usage.input_tokens).toBe(first.usage.input_tokens)
  await cached.close()
})

test('an omni image takes its time after the text and is not shown', async () => {
  const clock = new VirtualClock()
  const omni = await startServer({
    clock,
    settings: { images: { draw: () => true, delay: { mean: 500, deviation: 0 } } },
  })
  const response = await omni.post('/v1/messages', { ...base, stream: true })
  expect(omni.engine.running).toBe(1)
  clock.advance(500)
  const list = namedEvents(await response.text())
  expect(omni.engine.running).toBe(0)
  expect(list.filter(event => event.type === 'content_block_start')).toHaveLength(1)
  await omni.close()
})

test("a request's own threshold has no effect", async () => {
  const cached = await startServer({
    engine: { cache: new PrefixCache({ size: 64, blockSize: 8, hasher: new FnvHasher('') }) },
  })
  const answer = await cached.json<{ usage: { output_tokens: number } }>('/v1/messages', {
    ...base,
    cache_hit_threshold: 1,
  })
  expect(answer.usage.output_tokens).toBeGreaterThan(0)
  await cached.close()
})

test('a refusal for want of cached tokens is a complete, empty answer', async () => {
  const header = { 'x-cache-threshold-finish-reason': 'true' }
  const whole = await server.json('/v1/messages', base, header)
  expect(whole).toMatchObject({ content: [{ type: 'text', text: '' }], stop_reason: 'max_tokens' })
  const list = namedEvents(await (await server.post('/v1/messages', { ...base, stream: true }, header)).text())
  expect(list[0]!.type).toBe('message_start')
  expect(list.at(-2)).toMatchObject({ delta: { stop_reason: 'max_tokens' }, usage: { output_tokens: 0 } })
})
