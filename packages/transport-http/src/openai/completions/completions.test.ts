import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { text, textChunks, type WireTextLogprobs } from '../../testing/answers.ts'
import { startServer, type TestServer } from '../../testing/server.ts'

let server: TestServer
let echoing: TestServer
beforeAll(async () => {
  server = await startServer()
  echoing = await startServer({ settings: { echo: true } })
})
afterAll(async () => {
  await server.close()
  await echoing.close()
})

const prompt = 'This is a test.'

/** All pieces of a streamed `logprobs` object, put together. */
function joined(parts: readonly (WireTextLogprobs | null)[]): WireTextLogprobs {
  const all = parts.filter(part => part !== null)
  return {
    text_offset: all.flatMap(part => part.text_offset),
    token_logprobs: all.flatMap(part => part.token_logprobs),
    tokens: all.flatMap(part => part.tokens),
    top_logprobs: all.flatMap(part => part.top_logprobs),
  }
}

describe('logprobs', () => {
  test('the vectors of the reference', async () => {
    const { choices } = await text(echoing, { prompt: 'Today is', logprobs: 2 })
    expect(choices[0]!.logprobs).toEqual({
      tokens: ['Today ', 'is'],
      token_logprobs: [-1, -1.1],
      top_logprobs: [
        { 'Today ': -1, 'Today _1': -1.5 },
        { is: -1.1, is_1: -1.6 },
      ],
      text_offset: [0, 6],
    })
  })

  test('K entries, the chosen one included; offsets in UTF-8', async () => {
    const { choices } = await text(echoing, { prompt: 'héé là 世界 x', logprobs: 5 })
    const { tokens, text_offset: offsets, top_logprobs: top, token_logprobs: values } = choices[0]!.logprobs!
    expect(tokens.join('')).toBe('héé là 世界 x')
    const bytes = Buffer.from(tokens.join(''))
    tokens.forEach((token, at) => {
      const from = offsets[at]!
      expect(bytes.subarray(from, from + Buffer.byteLength(token)).toString()).toBe(token)
      expect(Object.keys(top[at]!)).toHaveLength(5)
      expect(top[at]![token]).toBe(values[at])
      expect(Math.max(...Object.values(top[at]!))).toBe(values[at])
      expect(Object.values(top[at]!).reduce((sum, value) => sum + Math.exp(value), 0)).toBeLessThanOrEqual(1)
    })
  })

  test('0 is none', async () => {
    expect((await text(server, { prompt, logprobs: 0 })).choices[0]!.logprobs).toBeNull()
  })

  test('a stream has the same in pieces', async () => {
    const body = { prompt, logprobs: 3, seed: 1, max_tokens: 12, ignore_eos: true, return_token_ids: true }
    const whole = await text(server, body)
    const chunks = await textChunks(server, body)
    expect(joined(chunks.map(chunk => chunk.choices[0]!.logprobs))).toEqual(whole.choices[0]!.logprobs)
    expect(chunks[0]!.choices[0]!.prompt_token_ids).toEqual(whole.choices[0]!.prompt_token_ids)
    expect(chunks.flatMap(chunk => chunk.choices[0]!.token_ids ?? [])).toEqual(whole.choices[0]!.token_ids)
    expect(whole.choices[0]!.token_ids).toHaveLength(12)
  })

  test('tokens by their ids', async () => {
    const { choices } = await text(server, {
      prompt,
      logprobs: 1,
      return_tokens_as_token_ids: true,
      return_token_ids: true,
    })
    expect(choices[0]!.logprobs!.tokens).toEqual(choices[0]!.token_ids!.map(id => `token_id:${id}`))
  })
})

describe('echo', () => {
  test('puts the prompt before the text, with its logprobs', async () => {
    const body = { prompt, echo: true, logprobs: 1, max_tokens: 4, ignore_eos: true, seed: 3 }
    const { choices, usage } = await text(server, body)
    const { tokens, token_logprobs: values, top_logprobs: top, text_offset: offsets } = choices[0]!.logprobs!
    expect(choices[0]!.text.startsWith(prompt)).toBe(true)
    expect(tokens.join('')).toBe(choices[0]!.text)
    expect(tokens).toHaveLength(usage.prompt_tokens + usage.completion_tokens)
    expect([values[0], top[0], offsets[0]]).toEqual([null, null, 0])
    expect(values.slice(1).every(value => value !== null && value < 0)).toBe(true)
    const chunks = await textChunks(server, body)
    expect(chunks.map(chunk => chunk.choices[0]!.text).join('')).toBe(choices[0]!.text)
    expect(joined(chunks.map(chunk => chunk.choices[0]!.logprobs))).toEqual(choices[0]!.logprobs)
  })

  test('with a limit of 0 gives the prompt alone, as evaluations ask for it', async () => {
    const body = { prompt: [prompt, 'b c'], echo: true, logprobs: 2, max_tokens: 0 }
    const { choices, usage } = await text(server, body)
    expect(choices.map(choice => choice.text)).toEqual([prompt, 'b c'])
    expect(choices.map(choice => choice.finish_reason)).toEqual(['length', 'length'])
    expect(choices[1]!.logprobs!.tokens).toEqual(['b ', 'c'])
    expect(usage.completion_tokens).toBe(0)
    const chunks = await textChunks(server, body)
    expect(chunks.filter(chunk => chunk.choices[0]!.index === 0).map(chunk => chunk.choices[0]!.text)).toEqual([
      prompt,
      '',
    ])
    // Also in echo mode, which would otherwise repeat it again.
    expect((await text(echoing, { prompt, echo: true, max_tokens: 0 })).choices[0]!.text).toBe(prompt)
  })

  test('decodes a prompt of ids that the server knows', async () => {
    const tokens = server.context.outputTokens(prompt).map(token => token.id)
    const { choices } = await text(server, { prompt: tokens, echo: true, max_tokens: 0, logprobs: 1 })
    expect(choices[0]!.text).toBe(prompt)
    expect(choices[0]!.logprobs!.tokens.join('')).toBe(prompt)
  })

  test('several prompts and choices keep their order', async () => {
    const { choices, usage } = await text(server, { prompt: ['one', 'two x'], n: 2, echo: true, max_tokens: 3 })
    expect(choices.map(choice => choice.index)).toEqual([0, 1, 2, 3])
    expect(choices.map(choice => choice.text.startsWith('one'))).toEqual([true, true, false, false])
    expect(choices.map(choice => choice.text.startsWith('two x'))).toEqual([false, false, true, true])
    expect(usage.prompt_tokens).toBe(3)
  })
})

test('prompt logprobs per choice', async () => {
  const { choices } = await text(server, { prompt: ['a b c', 'd'], prompt_logprobs: 0 })
  expect(choices[0]!.prompt_logprobs).toHaveLength(3)
  expect(choices[0]!.prompt_logprobs![0]).toBeNull()
  expect(Object.values(choices[0]!.prompt_logprobs![1]!)).toEqual([{ logprob: -1.1, rank: 1, decoded_token: 'b ' }])
  expect(choices[1]!.prompt_logprobs).toEqual([null])
})

test('echo mode answers ids in decimal', async () => {
  const { choices, usage } = await text(echoing, { prompt: [[1, 2, 3], [10, 20], [7]] })
  expect(choices.map(choice => choice.text)).toEqual(['1,2,3', '10,20', '7'])
  expect(usage.prompt_tokens).toBe(6)
})

test('what older clients send is ignored', async () => {
  const { choices } = await text(server, {
    prompt,
    best_of: 5,
    suffix: 'end',
    user: 'u',
    logit_bias: null,
    max_tokens: 3,
  })
  expect(choices).toHaveLength(1)
})

test.each([
  [{ logprobs: -1 }, '`logprobs` must be a positive value.'],
  [{ logprobs: 21 }, 'Requested sample logprobs of 21, which is greater than max allowed: 20'],
  [{ max_tokens: 0 }, 'Max completion tokens and max tokens should be positive'],
  [{ max_tokens: -1, echo: true }, 'Max completion tokens and max tokens should be positive'],
])('%j is refused', async (body, message) => {
  const response = await server.post('/v1/completions', { model: 'my-model', prompt, ...body })
  expect(response.status).toBe(400)
  expect(await response.json()).toMatchObject({ error: { message } })
})

test('a long token is named by its beginning; a prompt has only so many candidates', async () => {
  const long = 'x'.repeat(1000)
  const { choices } = await text(echoing, { prompt: long, logprobs: 2 })
  expect(choices[0]!.text).toBe(long)
  expect(Object.keys(choices[0]!.logprobs!.top_logprobs[0]!)).toEqual([long.slice(0, 256), `${long.slice(0, 256)}_1`])
  const refused = await server.post('/v1/completions', {
    model: 'my-model',
    prompt: 'a '.repeat(7000),
    prompt_logprobs: 20,
    max_tokens: 1,
  })
  expect(refused.status).toBe(400)
  expect(await refused.text()).toContain('at most 131072 candidates, got 7000 tokens with 20 each')
  const choice = Array.from({ length: 65_537 }, () => 'a')
  const many = await server.post('/v1/completions', { model: 'my-model', prompt, structured_outputs: { choice } })
  expect(many.status).toBe(400)
  expect(await many.text()).toContain('at most 65536 choices, got 65537')
})
