import { afterAll, beforeAll, expect, test } from 'vitest'
import { chat, chatChunks, joinToolCalls } from '../../testing/answers.ts'
import { startServer, type TestServer } from '../../testing/server.ts'

let server: TestServer
let parsing: TestServer
beforeAll(async () => {
  server = await startServer()
  parsing = await startServer({ settings: { reasoning: { enabled: true, percent: 100, maxTokens: 6 } } })
})
afterAll(async () => {
  await server.close()
  await parsing.close()
})

const thinking = { chat_template_kwargs: { enable_thinking: true } }

test('comes before the answer, in fields of its own, and is counted', async () => {
  const { choices, usage } = await chat(server, { ...thinking, max_tokens: 60, ignore_eos: true })
  const { message, finish_reason } = choices[0]!
  expect(message.reasoning).toBeTruthy()
  expect(message.reasoning_content).toBe(message.reasoning)
  expect(message.content).toBeTruthy()
  const length = server.context.outputTokens(message.reasoning!).length
  expect(usage.completion_tokens_details).toEqual({ reasoning_tokens: length })
  expect(length).toBeLessThanOrEqual(20)
  expect(usage.completion_tokens).toBe(60)
  expect(finish_reason).toBe('length')
})

test('streams first, and joins to the same', async () => {
  const body = { ...thinking, seed: 11, max_tokens: 40, stream_options: { include_usage: true } }
  const chunks = await chatChunks(server, body)
  const deltas = chunks.flatMap(({ choices }) => choices.map(choice => choice.delta))
  const { choices, usage } = await chat(server, body)
  expect(deltas.map(delta => delta.reasoning ?? '').join('')).toBe(choices[0]!.message.reasoning)
  expect(deltas.map(delta => delta.reasoning_content ?? '').join('')).toBe(choices[0]!.message.reasoning)
  expect(deltas.map(delta => delta.content ?? '').join('')).toBe(choices[0]!.message.content)
  expect(deltas.findLastIndex(delta => delta.reasoning !== undefined)).toBeLessThan(
    deltas.findIndex(delta => delta.content !== undefined),
  )
  expect(chunks.at(-1)!.usage).toEqual(usage)
})

test('is only there for who asks, unless the server reasons by itself', async () => {
  const reasoned = async (on: TestServer, body: object): Promise<boolean> =>
    (await chat(on, body)).choices[0]!.message.reasoning !== undefined
  expect(await reasoned(server, {})).toBe(false)
  expect(await reasoned(server, { reasoning_effort: 'high' })).toBe(false)
  expect(await reasoned(server, { chat_template_kwargs: { enable_thinking: false } })).toBe(false)
  expect(await reasoned(parsing, {})).toBe(true)
  expect(await reasoned(parsing, { reasoning_effort: 'none' })).toBe(false)
  expect(await reasoned(parsing, { chat_template_kwargs: { enable_thinking: false } })).toBe(false)
  expect(await reasoned(parsing, { chat_template_kwargs: { thinking: false } })).toBe(false)
  expect(await reasoned(parsing, { thinking_token_budget: 0 })).toBe(false)
})

test('a share of the requests, within the configured length', async () => {
  const half = await startServer({ settings: { reasoning: { enabled: true, percent: 50, maxTokens: 3 } } })
  const { choices } = await chat(half, { n: 400, max_tokens: 10 })
  const thoughts = choices.flatMap(({ message }) => message.reasoning ?? [])
  expect(thoughts.length).toBeGreaterThan(150)
  expect(thoughts.length).toBeLessThan(250)
  const lengths = thoughts.map(thought => half.context.outputTokens(thought).length)
  expect(new Set(lengths)).toEqual(new Set([1, 2, 3]))
  await half.close()
})

test('can be hidden: generated and counted, not shown', async () => {
  const body = { ...thinking, include_reasoning: false, seed: 4, stream_options: { include_usage: true } }
  const { choices, usage } = await chat(server, body)
  expect(choices[0]!.message.reasoning).toBeUndefined()
  expect(usage.completion_tokens_details!.reasoning_tokens).toBeGreaterThan(0)
  const chunks = await chatChunks(server, body)
  expect(chunks.some(chunk => chunk.choices[0]?.delta.reasoning !== undefined)).toBe(false)
  expect(chunks.map(chunk => chunk.choices[0]?.delta.content ?? '').join('')).toBe(choices[0]!.message.content)
})

test('precedes tool calls and structures, and leaves the latter their room', async () => {
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }]
  const chunks = await chatChunks(server, { ...thinking, tools, tool_choice: 'required' })
  expect(joinToolCalls(chunks)).toHaveLength(1)
  expect(chunks.some(chunk => chunk.choices[0]?.delta.reasoning !== undefined)).toBe(true)
  const { choices } = await chat(server, {
    ...thinking,
    response_format: { type: 'json_object' },
    max_tokens: 30,
    n: 20,
  })
  for (const { message, finish_reason } of choices) {
    expect(finish_reason).toBe('stop')
    expect(JSON.parse(message.content!)).toEqual(expect.any(Object))
  }
})

test('continuous usage counts reasoning as it comes', async () => {
  const chunks = await chatChunks(server, {
    ...thinking,
    stream_options: { include_usage: true, continuous_usage_stats: true },
  })
  let tokens = 0
  let reasoning = 0
  for (const { choices, usage } of chunks) {
    const delta = choices[0]?.delta
    if (delta?.reasoning !== undefined) reasoning++
    if (delta?.reasoning !== undefined || delta?.content !== undefined) tokens++
    expect(usage!.completion_tokens).toBe(tokens)
    expect(usage!.completion_tokens_details?.reasoning_tokens ?? 0).toBe(reasoning)
  }
})
