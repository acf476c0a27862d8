import { afterAll, beforeAll, expect, test } from 'vitest'
import { chat, chatChunks } from '../../testing/answers.ts'
import { startServer, type TestServer } from '../../testing/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

test('values could be real', async () => {
  const { choices } = await chat(server, { logprobs: true, top_logprobs: 20, max_tokens: 30, ignore_eos: true })
  const { content } = choices[0]!.logprobs!
  expect(content).toHaveLength(30)
  expect(content.map(({ token }) => token).join('')).toBe(choices[0]!.message.content)
  content.forEach(({ token, logprob, bytes, top_logprobs }, position) => {
    expect(logprob).toBe([-1, -1.1, -1.2][position % 3])
    expect(Buffer.from(bytes).toString()).toBe(token)
    expect(top_logprobs).toHaveLength(20)
    expect(top_logprobs[0]).toEqual({ token, logprob, bytes })
    const values = top_logprobs.map(one => one.logprob)
    expect(values).toEqual(values.toSorted((a, b) => b - a))
    expect(values.every(value => value <= 0)).toBe(true)
    expect(values.reduce((sum, value) => sum + Math.exp(value), 0)).toBeLessThanOrEqual(1)
    expect(new Set(top_logprobs.map(one => one.token)).size).toBe(20)
  })
})

test('the vectors of the reference', async () => {
  const echo = await startServer({ settings: { echo: true } })
  const { choices } = await chat(echo, { logprobs: true, top_logprobs: 2 })
  expect(choices[0]!.logprobs!.content[0]).toEqual({
    token: 'This ',
    logprob: -1,
    bytes: [84, 104, 105, 115, 32],
    top_logprobs: [
      { token: 'This ', logprob: -1, bytes: [84, 104, 105, 115, 32] },
      { token: 'This _1', logprob: -1.5, bytes: [84, 104, 105, 115, 32, 95, 49] },
    ],
  })
  await echo.close()
})

test('one alternative unless told otherwise, none for 0', async () => {
  const count = async (body: object): Promise<number | undefined> => {
    const { choices } = await chat(server, { max_tokens: 3, ...body })
    return choices[0]!.logprobs?.content[0]?.top_logprobs.length
  }
  expect(await count({ logprobs: true })).toBe(1)
  expect(await count({ logprobs: true, top_logprobs: 0 })).toBe(0)
  expect(await count({ logprobs: true, top_logprobs: null })).toBe(1)
  expect(await count({ top_logprobs: 5 })).toBeUndefined()
  expect(await count({ logprobs: false })).toBeUndefined()
})

test('a stream has the same, chunk by chunk', async () => {
  const body = { logprobs: true, top_logprobs: 3, return_token_ids: true, seed: 2 }
  const whole = await chat(server, body)
  const chunks = await chatChunks(server, body)
  const entries = chunks.flatMap(chunk => chunk.choices[0]?.logprobs?.content ?? [])
  expect(entries).toEqual(whole.choices[0]!.logprobs!.content)
  expect(chunks[0]!.prompt_token_ids).toEqual(whole.prompt_token_ids)
  expect(chunks.flatMap(chunk => chunk.choices[0]!.token_ids ?? [])).toEqual(whole.choices[0]!.token_ids)
  expect(whole.choices[0]!.token_ids).toHaveLength(whole.usage.completion_tokens)
  expect(whole.prompt_token_ids).toHaveLength(whole.usage.prompt_tokens)
  // Only token chunks have logprobs.
  expect(chunks[0]!.choices[0]!.logprobs).toBeNull()
  expect(chunks.at(-1)!.choices[0]!.logprobs).toBeNull()
})

test('tokens by their ids', async () => {
  const body = { logprobs: true, top_logprobs: 2, return_token_ids: true, return_tokens_as_token_ids: true }
  const { choices } = await chat(server, body)
  const { logprobs, token_ids: ids } = choices[0]!
  expect(logprobs!.content.map(({ token }) => token)).toEqual(ids!.map(id => `token_id:${id}`))
  const flagged = await startServer({ settings: { tokensAsTokenIds: true } })
  const other = await chat(flagged, { logprobs: true })
  expect(other.choices[0]!.logprobs!.content[0]!.token).toMatch(/^token_id:\d+$/)
  await flagged.close()
})

test('of the prompt', async () => {
  const answer = await chat(server, { prompt_logprobs: 2, return_prompt_text: true, max_tokens: 2 })
  expect(answer.prompt_text).toBe('### user: This is a test.\n')
  const list = answer.prompt_logprobs!
  expect(list).toHaveLength(answer.usage.prompt_tokens)
  expect(list[0]).toBeNull()
  const texts = list.slice(1).map(entry => {
    const candidates = Object.values(entry!)
    expect(candidates).toHaveLength(2)
    return candidates.find(({ rank }) => rank === 1)!.decoded_token
  })
  expect(`#${texts.join('')}`).toBe(answer.prompt_text)
  // A stream has no place for them; the reference serves it all the same.
  const chunks = await chatChunks(server, { prompt_logprobs: 2, max_tokens: 2 })
  expect(chunks[0]!.choices[0]!.delta).toEqual({ role: 'assistant' })
})

test.each([
  [{ logprobs: true, top_logprobs: 21 }, 'Requested sample logprobs of 21, which is greater than max allowed: 20'],
  [{ prompt_logprobs: 1e9 }, 'Requested prompt logprobs of 1000000000, which is greater than max allowed: 20'],
  [{ logprobs: true, top_logprobs: -1 }, 'Requested sample logprobs of 1000, which is greater than max allowed: 20'],
  [{ logprobs: true, top_logprobs: -2 }, '`top_logprobs` must be a positive value or -1.'],
  [{ prompt_logprobs: -5 }, '`prompt_logprobs` must be a positive value or -1.'],
])('%j is refused', async (body, message) => {
  const response = await server.post('/v1/chat/completions', { model: 'my-model', messages: [], ...body })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { message } })
})
