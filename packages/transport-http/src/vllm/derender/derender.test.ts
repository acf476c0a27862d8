import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer, type TestServer } from '../../testing/server.ts'
import { continueText } from './stream-text.ts'
import { TextBudget } from './text-budget.ts'

const chatPath = '/v1/chat/completions/derender'
const textPath = '/v1/completions/derender'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

interface Answer {
  id: string
  object: string
  model: string
  choices: { message: { content: string }; text: string; finish_reason: string; logprobs: unknown }[]
  usage: { prompt_tokens: number; completion_tokens: number; total_tokens: number }
}

const question = {
  model: 'my-model',
  messages: [{ role: 'user', content: 'Hello world!' }],
  seed: 11,
  max_tokens: 12,
  logprobs: true,
  top_logprobs: 1,
}

test('render, generate and derender give what the chat endpoint gives', async () => {
  const direct = await server.json<Answer>('/v1/chat/completions', question)
  const rendered = await server.json<{ token_ids: number[]; request_id: string }>(
    '/v1/chat/completions/render',
    question,
  )
  const generated = await server.json('/inference/v1/generate', rendered)
  const answer = await server.json<Answer>(chatPath, {
    model: 'my-model',
    generate_response: generated,
    prompt_tokens: rendered.token_ids.length,
    chat_request: question,
  })
  expect(answer.id).toBe(rendered.request_id)
  const { id: _, created: __, ...rest } = direct as Answer & { created: number }
  expect(answer).toMatchObject(rest)
})

test('the same for a stream, chunk by chunk, and for its usage', async () => {
  const request = { ...question, stream: true, stream_options: { include_usage: true } }
  const rendered = await server.json<{ token_ids: number[] }>('/v1/chat/completions/render', request)
  const frames = await server.frames<object>('/inference/v1/generate', rendered)
  const direct = await server.json<Answer>('/v1/chat/completions', question)
  let state: unknown = null
  let text = ''
  const roles: unknown[] = []
  const reasons: unknown[] = []
  let usage: unknown
  for (const frame of frames.slice(0, -1)) {
    const { chunk, stream_state: next } = await server.json<{
      chunk: {
        object: string
        usage: unknown
        choices: { delta: { role?: string; content?: string }; finish_reason: string | null }[]
      }
      stream_state: object
    }>(chatPath, { stream: true, model: 'my-model', generate_chunk: frame, stream_state: state })
    expect(chunk.object).toBe('chat.completion.chunk')
    state = next
    for (const { delta, finish_reason: reason } of chunk.choices) {
      text += delta.content ?? ''
      if (delta.role) roles.push(delta.role)
      if (reason) reasons.push(reason)
    }
    if (chunk.choices.length === 0) usage = chunk.usage
  }
  expect(text).toBe(direct.choices[0]!.message.content)
  expect(roles).toEqual(['assistant'])
  expect(reasons).toEqual([direct.choices[0]!.finish_reason])
  expect(usage).toEqual(direct.usage)
})

test('text completions take one answer per prompt', async () => {
  const body = { model: 'my-model', prompt: ['Hello', 'world'], seed: 3, max_tokens: 8, logprobs: 1 }
  const direct = await server.json<Answer>('/v1/completions', body)
  const rendered = await server.json<{ token_ids: number[] }[]>('/v1/completions/render', body)
  const generated = await Promise.all(rendered.map(one => server.json('/inference/v1/generate', one)))
  const answer = await server.json<Answer>(textPath, {
    model: 'my-model',
    generate_responses: generated,
    prompt_tokens: rendered.map(one => one.token_ids.length),
  })
  expect(answer.choices).toEqual(direct.choices)
  expect(answer.usage).toEqual(direct.usage)
  expect(answer.object).toBe('text_completion')
})

test('candidates that nothing is known of keep their names', async () => {
  await server.json('/tokenize', { prompt: 'Hello world' })
  const top_logprobs = [2871118705, 2871118706, 7].map((id, at) => ({ token: `token_id:${id}`, logprob: -1 - at }))
  const logprobs = { content: [{ ...top_logprobs[0], top_logprobs }] }
  const generated = { request_id: 'r', choices: [{ index: 0, token_ids: [2871118705], logprobs }] }
  const chat = await server.json<Answer>(chatPath, { model: 'my-model', generate_response: generated })
  expect(chat.choices[0]!.logprobs).toMatchObject({
    content: [{ token: 'Hello ', top_logprobs: [{ token: 'Hello ' }, { token: 'token_id:2871118706' }, {}] }],
  })
  const text = await server.json<Answer>(textPath, { model: 'my-model', generate_responses: [generated] })
  expect(text.choices[0]!.logprobs).toEqual({
    text_offset: [0],
    token_logprobs: [-1],
    tokens: ['Hello '],
    top_logprobs: [{ 'Hello ': -1, 'token_id:2871118706': -2, 'token_id:7': -3 }],
  })
})

test('a stream of text begins at once', async () => {
  await server.json('/tokenize', { prompt: 'Hello world' })
  const { chunk, stream_state: state } = await server.json<{
    chunk: object
    stream_state: { recent_token_ids: number[] }
  }>(textPath, {
    stream: true,
    model: 'my-model',
    generate_chunk: { request_id: 'r', choices: [{ index: 2, token_ids: [2871118705], finish_reason: null }] },
  })
  expect(chunk).toEqual({
    id: 'r',
    object: 'text_completion',
    created: expect.any(Number),
    model: 'my-model',
    usage: null,
    choices: [{ index: 2, text: 'Hello ', logprobs: null, finish_reason: null }],
  })
  expect(state.recent_token_ids).toEqual([2871118705])
})

test.each([
  [chatPath, { model: 'my-model' }, 'must have the member `generate_response`'],
  [chatPath, { stream: true }, 'must have the member `generate_chunk`'],
  [chatPath, [1, 2, 3], 'the body must be an object'],
  [textPath, null, 'the body must be an object'],
  [textPath, { model: 'my-model', generate_responses: [] }, 'generate_responses must not be empty'],
  [
    textPath,
    { model: 'my-model', generate_responses: [{ choices: [] }], prompt_tokens: [1, 2] },
    'prompt_tokens length (2) must equal generate_responses length (1)',
  ],
  [
    textPath,
    { stream: true, model: 'my-model', generate_chunk: { choices: [{ index: 0 }, { index: 1 }] } },
    'at most one choice',
  ],
  [
    chatPath,
    { model: 'my-model', generate_response: { choices: [{ index: 0, token_ids: Array(1025).fill(1) }] } },
    'token_ids length (1025) in choice 0 exceeds max_model_len (1024).',
  ],
  [
    chatPath,
    {
      stream: true,
      model: 'my-model',
      generate_chunk: { choices: [] },
      stream_state: { recent_token_ids: Array(65).fill(1) },
    },
    '`stream_state.recent_token_ids` must NOT have more than 64 items',
  ],
])('%s refuses %j', async (path, body, message) => {
  const response = await server.post(path, body)
  expect(response.status).toBe(400)
  expect(((await response.json()) as { error: { message: string } }).error.message).toContain(message)
})

test('an unknown model is a 404, an adapter is not', async () => {
  server.engine.loras.register('adapter', '')
  const body = (model: string): object => ({ model, generate_response: { choices: [] } })
  expect((await server.post(chatPath, body('nope'))).status).toBe(404)
  expect((await server.json<Answer>(chatPath, body('adapter'))).model).toBe('adapter')
})

test('a character that is spread over chunks comes out whole, a leading space only once', () => {
  // Each id is a UTF-8 byte; the first piece of a text loses its leading space, as in SentencePiece models.
  const tokenizer = new SimulatedTokenizer()
  tokenizer.detokenizer = () => {
    const decoder = new TextDecoder()
    let first = true
    const shown = (text: string): string => {
      if (text === '') return text
      const cut = first ? text.replace(/^ /, '') : text
      first = false
      return cut
    }
    return { push: id => shown(decoder.decode(Uint8Array.of(id), { stream: true })), flush: () => decoder.decode() }
  }
  const bytes = [...Buffer.from(' é 😀 ok')]
  for (const size of [1, 2, 3]) {
    let recent: number[] = []
    let text = ''
    for (let at = 0; at < bytes.length; at += size) {
      const next = continueText(
        { recent_token_ids: recent },
        bytes.slice(at, at + size),
        false,
        tokenizer,
        new TextBudget(),
      )
      text += next.text
      recent = next.recent
    }
    expect(text).toBe('é 😀 ok')
    expect(recent.length).toBeLessThanOrEqual(4)
  }
  const open = continueText(undefined, bytes.slice(0, 2), true, tokenizer, new TextBudget())
  expect(open.text).toBe('\ufffd')
})

test('ids of long words cannot make an answer of gigabytes', async () => {
  const { tokens } = await server.json<{ tokens: number[] }>('/tokenize', { prompt: 'z'.repeat(100_000) })
  const ids = Array(1000).fill(tokens[0])
  const name = { token: `token_id:${tokens[0]}`, logprob: -1 }
  const choice = (more: object) => ({ model: 'my-model', generate_response: { choices: [{ index: 0, ...more }] } })
  for (const [path, body] of [
    ['/detokenize', { tokens: ids }],
    ['/v1/chat/completions/derender', choice({ token_ids: ids })],
    [
      '/v1/chat/completions/derender',
      choice({ logprobs: { content: [{ ...name, top_logprobs: Array(1000).fill(name) }] } }),
    ],
  ] as const) {
    const response = await server.post(path, body)
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('longer than 16777216 characters')
  }
})
