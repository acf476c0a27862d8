import { describe, expect, test } from 'vitest'
import {
  type Body,
  contractServer,
  envelope,
  generation,
  generationPaths,
  messages,
  prompt,
} from './contract-server.ts'

// Errors of the reference: status, type, text and headers, all endpoints.

const server = contractServer(
  [
    ...['--served-model-name', 'm', 'alias', '--lora-modules', '{"name":"l1","path":"/p/l1"}', '--mode', 'echo'],
    // One form for all endpoints. That of Anthropic is tested with its own clients.
    '--anthropic-errors=false',
  ],
  { model: 'org/base', env: { POD_NAME: 'pod-1', POD_NAMESPACE: 'ns-1' } },
)

const bad = (message: unknown): object => envelope(400, 'BadRequestError', message)
const parse = (detail: string): string => `Failed to read and parse request body, ${detail}`
const starts = (text: string, more = '.'): unknown =>
  expect.stringMatching(new RegExp(`^${text.replaceAll(/[\\^$.*+?()[\]{}|]/g, '\\$&')}${more}`))
const chat = (more: object): [string, object] => ['/v1/chat/completions', { model: 'm', messages, ...more }]
const text = (more: object): [string, object] => ['/v1/completions', { model: 'm', prompt, ...more }]
const responses = (more: object): [string, object] => ['/v1/responses', { model: 'm', input: prompt, ...more }]
const anthropic = (more: object): [string, object] => ['/v1/messages', { ...generation['/v1/messages'], ...more }]
const generate = (more: object): [string, object] => [
  '/inference/v1/generate',
  { ...generation['/inference/v1/generate'], ...more },
]
const embed = (more: object): [string, object] => ['/v1/embeddings', { model: 'm', ...more }]
const userSays = (content: unknown): object => ({ messages: [{ role: 'user', content }] })
const noParameters = { type: 'function', function: { name: 'f' } }
const promptForms =
  'prompt must be a string, an array of strings, an array of token ids, or an array of arrays of token ids: '

describe('400', () => {
  test.each<[[string, object], unknown]>([
    [chat({ n: 0 }), 'n must be at least 1'],
    [text({ n: -1 }), 'n must be at least 1'],
    [chat({ max_tokens: 0 }), 'Max completion tokens and max tokens should be positive'],
    [chat({ max_completion_tokens: 0, max_tokens: 5 }), 'Max completion tokens and max tokens should be positive'],
    [text({ max_tokens: -1 }), 'Max completion tokens and max tokens should be positive'],
    [responses({ max_output_tokens: 0 }), 'Max completion tokens and max tokens should be positive'],
    [anthropic({ max_tokens: 0 }), 'Max completion tokens and max tokens should be positive'],
    [generate({ sampling_params: { max_tokens: 0 } }), 'Max completion tokens and max tokens should be positive'],
    [chat({ ignore_eos: true }), 'Ignore_eos is true but max_completion_tokens (or max_tokens) is not set'],
    [text({ ignore_eos: true }), 'Ignore_eos is true but max_completion_tokens (or max_tokens) is not set'],
    [responses({ ignore_eos: true }), 'Ignore_eos is true but max_completion_tokens (or max_tokens) is not set'],
    [generate({ ignore_eos: true }), 'Ignore_eos is true but max_completion_tokens (or max_tokens) is not set'],
    [anthropic({ messages: [] }), 'messages must not be empty'],
    [anthropic({ messages: undefined }), 'messages must not be empty'],
    [anthropic({ max_tokens: undefined }), 'max_tokens is required'],
    [anthropic(userSays([{ type: 'image' }])), "image content block is missing required 'source' field"],
    [anthropic({ tool_choice: { type: 'tool' } }), "tool_choice of type 'tool' requires a non-empty 'name'"],
    [text({ prompt: undefined }), 'prompt array must contain at least one prompt'],
    [text({ prompt: null }), 'prompt array must contain at least one prompt'],
    [text({ prompt: [] }), 'prompt array must contain at least one prompt'],
    [text({ prompt: '' }), 'prompt must not contain an empty string'],
    [text({ prompt: ['a', ''] }), 'prompt must not contain an empty string'],
    [text({ prompt: [[]] }), 'prompt must not contain an empty token-id array'],
    [text({ prompt: [[1], []] }), 'prompt must not contain an empty token-id array'],
    [generate({ token_ids: undefined }), 'Missing input token_ids'],
    [generate({ token_ids: null }), 'Missing input token_ids'],
    [generate({ sampling_params: undefined }), 'Missing sampling_params field'],
    [embed({ input: [] }), 'input is required and must be a non-empty string or array'],
    [embed({}), 'input is required and must be a non-empty string or array'],
    [embed({ input: {} }), 'input is required and must be a non-empty string or array'],
    [embed({ input: true }), 'input is required and must be a non-empty string or array'],
    [embed({ input: ['a', 1] }), 'input is required and must be a non-empty string or array'],
    [embed({ input: '' }), 'input cannot be an empty string'],
    [embed({ input: ['a', ''] }), 'input cannot be an empty string'],
    [embed({ input: 'a', dimensions: 0 }), 'dimensions must be at least 1'],
    [['/tokenize', { prompt: 'a', messages: [] }], 'both prompt and messages fields in tokenize request'],
    [['/v1/chat/completions/render', { model: 'm', messages: [] }], 'messages must not be empty'],
    [['/v1/completions/render', { model: 'm' }], 'prompt array must contain at least one prompt'],
    [['/v1/completions/render', { model: 'm', prompt: '' }], 'prompt must not contain an empty string'],
    [
      ['/v1/completions/render', { model: 'l1', prompt: 'a' }],
      'The model `l1` is a LoRA adapter and is not supported by the render endpoints.',
    ],
    [chat({ tools: [noParameters] }), starts('Tool validation failed: ')],
    [responses({ tools: [{ type: 'function', name: 'f' }] }), starts('Tool validation failed: ')],
    [anthropic({ tools: [{ name: 'f' }] }), starts('Tool validation failed: ')],
  ])('%j', async ([path, body], message) => {
    const reply = await server.post(path, body)
    expect([reply.status, reply.json.error]).toMatchObject([400, { message, type: 'BadRequestError', code: 400 }])
    expect(reply.headers.get('content-type')).toBe('application/json')
    expect(reply.headers.get('x-inference-pod')).toBeNull()
  })

  test.each<[[string, object], string]>([
    [text({ prompt: 5 }), promptForms],
    [text({ prompt: {} }), promptForms],
    [text({ prompt: ['a', 1] }), promptForms],
    [text({ prompt: [-1] }), promptForms],
    [text({ prompt: [1.5] }), promptForms],
    [text({ prompt: [4294967296] }), promptForms],
    [chat({ tool_choice: { type: 'function' } }), 'tool_choice function requires a name'],
    [responses({ tool_choice: { type: 'function' } }), 'tool_choice function requires a name'],
    [chat({ tool_choice: { type: 'nonsense' } }), 'unknown ToolChoice type: nonsense'],
    [chat(userSays(5)), 'content format not supported'],
    [chat(userSays({ a: 1 })), 'content format not supported'],
    [chat(userSays(['a'])), 'content format not supported'],
    [chat(userSays([{ type: 'image_url', image_url: 'http://x' }])), 'content format not supported'],
    [chat(userSays([{ type: 5, text: 'x' }])), 'content format not supported'],
    [anthropic(userSays(5)), 'content format not supported'],
    [anthropic(userSays([{ type: 'text', text: 5 }])), 'content format not supported'],
    [responses({ input: undefined }), 'input is required'],
    [responses({ input: null }), 'input is required'],
    [responses({ input: 5 }), 'input must be a string or array: '],
    [responses({ input: [{ type: 'x' }] }), 'unsupported input item type "x"'],
    [responses({ input: [{ role: 'user', content: [{ type: 'z' }] }] }), 'unsupported input content type "z"'],
    [responses({ tools: 'x' }), 'tools must be an array: '],
    [responses({ tools: [5] }), 'invalid tool entry: '],
    [responses({ tools: [{ type: 'web' }] }), 'unsupported tool type "web"'],
    [responses({ tools: [{ type: 'function' }] }), 'tool name is required'],
    [chat({ model: 5 }), ''],
    [chat({ stream: 'yes' }), ''],
    [chat({ max_tokens: '5' }), ''],
    [text({ n: '1' }), ''],
    [chat({ messages: {} }), ''],
    [chat({ tools: 'x' }), ''],
    [generate({ token_ids: [-1] }), ''],
    [anthropic({ max_tokens: 'x' }), ''],
    [embed({ input: 'a', dimensions: 'x' }), ''],
  ])('while parsing: %j', async ([path, body], detail) => {
    const reply = await server.post(path, body)
    expect(reply.status).toBe(400)
    expect(reply.json).toEqual(bad(starts(parse(detail), '')))
  })

  test.each([...generationPaths, '/v1/embeddings', '/v1/completions/render', '/v1/chat/completions/render'])(
    'a body that is not JSON: %s',
    async path => {
      for (const body of ['{', '', 'not json', '{} x', '[]', '"x"']) {
        const reply = await server.post(path, body)
        expect([body, reply.status, reply.json]).toEqual([body, 400, bad(starts(parse('')))])
      }
    },
  )

  test('endpoints with a text of their own for that', async () => {
    for (const [path, text] of [
      ['/tokenize', 'Failed to read and parse tokenize request body, '],
      ['/v1/load_lora_adapter', 'failed to read and parse load lora request body, '],
      ['/v1/unload_lora_adapter', 'failed to read and parse unload lora request body, '],
      ['/admin/config', 'failed to unmarshal payload: '],
    ] as const) {
      expect(await server.post(path, '{')).toMatchObject({ status: 400, json: bad(starts(text)) })
    }
  })

  test('prompt and limit beyond the context: the text has all numbers, and the answer the headers of its pod', async () => {
    const said = (total: number, prompt: number, limit: number): string =>
      `This model's maximum context length is 1024 tokens. However, you requested ${total} tokens (${prompt} in the messages, ${limit} in the completion). Please reduce the length of the messages or completion`
    for (const [[path, body], tokens] of [
      [chat({ max_tokens: 1015 }), [1025, 10, 1015]],
      [chat({ max_tokens: 1015, stream: true }), [1025, 10, 1015]],
      [text({ max_tokens: 1020 }), [1025, 5, 1020]],
      [responses({ max_output_tokens: 1015 }), [1025, 10, 1015]],
      [anthropic({ max_tokens: 1015 }), [1025, 10, 1015]],
      [generate({ sampling_params: { max_tokens: 1022 } }), [1025, 3, 1022]],
      [text({ prompt: Array.from({ length: 1024 }, () => 1) }), [1025, 1024, 1]],
    ] as const) {
      const reply = await server.post(path, body)
      expect([path, reply.status, reply.json]).toEqual([path, 400, bad(said(...(tokens as [number, number, number])))])
      expect(reply.headers.get('x-inference-pod')).toBe('pod-1')
      expect(reply.headers.get('x-inference-namespace')).toBe('ns-1')
    }
    expect((await server.post(...chat({ max_tokens: 1014 }))).status).toBe(200)
  })

  test('a prefill cannot stream, on any endpoint', async () => {
    for (const path of generationPaths) {
      const body = { ...generation[path], stream: true, kv_transfer_params: { do_remote_decode: true } }
      expect((await server.post(path, body)).json).toEqual(bad('Prefill does not support streaming'))
    }
  })
})

describe('404', () => {
  test.each(generationPaths)('unknown, missing or hidden model name: %s', async path => {
    for (const [model, shown] of [
      ['nope', 'nope'],
      ['org/base', 'org/base'],
      [undefined, ''],
      [null, ''],
    ] as const) {
      const reply = await server.post(path, { ...generation[path], model })
      expect(reply.status).toBe(404)
      expect(reply.json).toEqual(envelope(404, 'NotFoundError', `The model \`${shown}\` does not exist.`))
      expect(reply.headers.get('x-inference-pod')).toBeNull()
    }
  })

  test('render knows base names only, embeddings and tokenize any', async () => {
    expect((await server.post('/v1/completions/render', { model: 'zz', prompt: 'a' })).json).toEqual(
      envelope(404, 'NotFoundError', 'The model `zz` does not exist.'),
    )
    expect((await server.post('/v1/embeddings', { model: 'zz', input: 'a' })).json).toMatchObject({ model: 'zz' })
    expect((await server.post('/tokenize', { model: 'zz', prompt: 'a' })).status).toBe(200)
  })
})

describe('X-Return-Error', () => {
  test.each(generationPaths)('%s', async path => {
    for (const [value, status, type] of [
      ['400', 400, 'BadRequestError'],
      ['401', 401, 'AuthenticationError'],
      ['403', 403, 'PermissionDeniedError'],
      ['404', 404, 'NotFoundError'],
      ['418', 418, 'APIConnectionError'],
      ['422', 422, 'UnprocessableEntityError'],
      ['+429', 429, 'RateLimitError'],
      ['500', 500, 'InternalServerError'],
      ['503', 503, 'InternalServerError'],
    ] as const) {
      for (const more of [{}, { stream: true }, { model: 'nope' }]) {
        const reply = await server.post(path, { ...generation[path], ...more }, { 'X-Return-Error': value })
        expect(reply.status).toBe(status)
        const message = `Simulated error triggered by X-Return-Error header (code ${status})`
        expect(reply.json).toEqual(envelope(status, type, message))
        expect(reply.headers.get('x-inference-pod')).toBeNull()
      }
    }
    for (const value of ['abc', '0x1', '4.5']) {
      const reply = await server.post(path, generation[path], { 'X-Return-Error': value })
      expect([reply.status, reply.json]).toEqual([
        400,
        bad(`Invalid X-Return-Error header value "${value}": must be an integer`),
      ])
    }
    for (const value of ['0', '-1', '99', '600', '99999999999999999999']) {
      const reply = await server.post(path, generation[path], { 'X-Return-Error': value })
      expect([reply.status, reply.json]).toEqual([
        400,
        bad(`Invalid X-Return-Error header value "${value}": must be an HTTP status code between 200 and 599`),
      ])
    }
    expect((await server.post(path, '{', { 'X-Return-Error': '503' })).status).toBe(400)
    expect((await server.post(path, generation[path], { 'X-Return-Error': '' })).status).toBe(200)
  })

  test('nothing else reads it', async () => {
    for (const [path, body] of [
      ['/tokenize', { prompt: 'a' }],
      ['/v1/embeddings', { input: 'a' }],
      ['/v1/completions/render', { model: 'm', prompt: 'a' }],
    ] as const) {
      expect((await server.post(path, body, { 'X-Return-Error': '503' })).status).toBe(200)
    }
  })
})

describe('what the reference serves is served', () => {
  test.each<[[string, object]]>([
    [chat({ tools: [] })],
    [chat({ tool_choice: null })],
    [chat({ tool_choice: 'auto' })],
    [chat({ tool_choice: 'whatever' })],
    [chat({ tool_choice: { type: 'custom', custom: { name: 'x' } } })],
    [chat({ tool_choice: { type: 'allowed_tools' } })],
    [chat({ stream_options: { include_usage: true } })],
    [chat({ messages: [] })],
    [chat({ messages: undefined })],
    [chat({ messages: [{ role: 'strange', content: 'x' }] })],
    [chat({ temperature: null, stop: null, n: null, max_tokens: null, stream: null, stream_options: null })],
    [chat({ unknown_field: { a: [1] }, best_of: 3, user: 'u', guided_decoding_backend: 'x' })],
    [chat({ cache_hit_threshold: 5 })],
    [chat({ kv_transfer_params: { remote_block_ids: [1, [2]], remote_port: null, remote_host: null } })],
    [text({ suffix: null, echo: false, logit_bias: null })],
    [responses({ input: [] })],
    [responses({ input: [{ type: '', role: 'user', content: [{ type: '', text: 'x' }] }] })],
    [responses({ tools: [{ name: 'f', parameters: { type: 'object', properties: {} } }] })],
    [text({ suffix: 'x', logit_bias: {} })],
    [responses({ store: true, metadata: { a: 'b' }, n: 2, cache_hit_threshold: 0.4, text: {} })],
    [anthropic({ messages: [], system: 'x' })],
    [anthropic({ system: [{ type: 'text', text: 'x' }] })],
    [generate({ token_ids: [] })],
  ])('%j', async ([path, body]) => {
    const reply = await server.post(path, body)
    expect(reply.status, reply.text).toBe(200)
  })

  test('of equal keys the last one counts, and the content type is not looked at', async () => {
    const body = `{"model":"nope","model":"m","prompt":${JSON.stringify(prompt)}}`
    const reply = await server.post('/v1/completions', body, { 'content-type': 'text/plain' })
    expect((reply.json as Body).choices[0].text).toBe(prompt)
  })
})
