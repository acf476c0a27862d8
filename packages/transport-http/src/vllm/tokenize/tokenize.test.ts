import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer, type TestServer } from '../../testing/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

test('text, a conversation, and back', async () => {
  expect(await server.json('/tokenize', { prompt: 'Hello world' })).toEqual({
    count: 2,
    max_model_len: 1024,
    tokens: [2871118705, 933488787],
    token_strs: null,
  })
  const messages = [{ role: 'user', content: 'Hello' }]
  const chat = await server.json<{ tokens: number[]; token_strs: string[] }>('/tokenize', {
    messages,
    return_token_strs: true,
  })
  expect(chat.token_strs).toEqual(['#', '#', '# ', 'user', ': ', 'Hello\n'])
  expect(await server.json('/detokenize', { tokens: chat.tokens })).toEqual({ prompt: '### user: Hello\n' })
  expect(await server.json('/tokenize', {})).toMatchObject({ count: 0, tokens: [] })
})

test.each([
  [{ prompt: 'a', messages: [] }, 'both prompt and messages fields in tokenize request'],
  [{ messages: [{ content: 7 }] }, 'Failed to read and parse tokenize request body, content format not supported'],
  [{ messages: [{ content: ['a'] }] }, 'Failed to read and parse tokenize request body, content format not supported'],
  [{ prompt: 7 }, 'Failed to read and parse tokenize request body, `prompt` must be a string'],
])('%j is refused', async (body, message) => {
  const response = await server.post('/tokenize', body)
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { message } })
})

test('a long answer is the same, made as it is read', async () => {
  const words = Array.from({ length: 20_000 }, (_, at) => `w${at} `)
  const answer = await server.json<{ count: number; tokens: number[]; token_strs: string[] }>('/tokenize', {
    prompt: words.join(''),
    return_token_strs: true,
  })
  expect(answer.tokens).toHaveLength(answer.count)
  expect(answer.token_strs.join('')).toBe(words.join(''))
})
