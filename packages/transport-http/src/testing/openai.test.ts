import OpenAI from 'openai'
import { LengthFinishReasonError } from 'openai/error'
import { makeParseableResponseFormat } from 'openai/lib/parser'
import type { RunnableToolFunctionWithParse } from 'openai/lib/RunnableFunction'
import { afterAll, beforeAll, expect, test } from 'vitest'
import type { WireChat, WireChatChunk, WireText } from './answers.ts'
import { defaultSettings, startServer, type TestServer } from './server.ts'

// What the endpoints send fits the official client's types; this is checked when the tests are compiled. A call's name
// is left out: after its first chunk it is null, as in the reference, where OpenAI leaves it out.
type NamedChunk = Omit<WireChatChunk, 'choices'> & {
  choices: (Omit<WireChatChunk['choices'][number], 'delta'> & {
    delta: Omit<WireChatChunk['choices'][number]['delta'], 'tool_calls'>
  })[]
}
const fits = {
  chat: (answer: WireChat): OpenAI.ChatCompletion => answer,
  chunk: (chunk: NamedChunk): OpenAI.ChatCompletionChunk => chunk,
  text: (answer: Omit<WireText, 'choices'>): Omit<OpenAI.Completion, 'choices'> => answer,
  textChoice: (choice: Omit<WireText['choices'][number], 'logprobs'>): Omit<OpenAI.CompletionChoice, 'logprobs'> =>
    choice,
}

let server: TestServer
let client: OpenAI
beforeAll(async () => {
  expect(Object.keys(fits)).toHaveLength(4)
  server = await startServer({ settings: { toolCalls: { ...defaultSettings.toolCalls, extraCallPercent: 60 } } })
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })
})
afterAll(() => server.close())

const model = 'my-model'
const messages = [{ role: 'user' as const, content: 'This is a test.' }]
const schema = {
  type: 'object' as const,
  properties: { city: { type: 'string' }, temperature: { type: 'number' } },
  required: ['city', 'temperature'],
  additionalProperties: false,
}

test('chat, whole and streamed', async () => {
  const whole = await client.chat.completions.create({ model, messages, seed: 1 })
  const stream = client.chat.completions.stream({ model, messages, seed: 1, stream_options: { include_usage: true } })
  const events: string[] = []
  stream.on('content.delta', ({ delta }) => events.push(delta))
  const final = await stream.finalChatCompletion()
  expect(final.choices[0]!.message.content).toBe(whole.choices[0]!.message.content)
  expect(events.join('')).toBe(whole.choices[0]!.message.content)
  expect(await stream.totalUsage()).toMatchObject({ completion_tokens: whole.usage!.completion_tokens })
})

test('logprobs accumulate', async () => {
  const stream = client.chat.completions.stream({ model, messages, logprobs: true, top_logprobs: 2, seed: 1 })
  const final = await stream.finalChatCompletion()
  const content = final.choices[0]!.logprobs!.content!
  expect(content.map(({ token }) => token).join('')).toBe(final.choices[0]!.message.content)
  expect(content[0]!.top_logprobs).toHaveLength(2)
})

test('streamed tool calls accumulate', async () => {
  const tools = ['get_weather', 'get_time'].map(name => ({
    type: 'function' as const,
    function: { name, parameters: schema },
  }))
  const stream = client.chat.completions.stream({ model, messages, tools, tool_choice: 'required', seed: 5 })
  const final = await stream.finalChatCompletion()
  const calls = final.choices[0]!.message.tool_calls!
  expect(final.choices[0]!.finish_reason).toBe('tool_calls')
  const whole = await client.chat.completions.create({ model, messages, tools, tool_choice: 'required', seed: 5 })
  expect(calls.map(call => 'function' in call && call.function.arguments)).toEqual(
    whole.choices[0]!.message.tool_calls!.map(call => 'function' in call && call.function.arguments),
  )
  for (const call of calls) {
    if (call.type !== 'function') throw new Error('not a function')
    expect(JSON.parse(call.function.arguments)).toEqual({ city: expect.any(String), temperature: expect.any(Number) })
  }
})

test.each([true, false])('runTools goes on until there is text (stream: %s)', async streamed => {
  const asked: string[] = []
  const tools: RunnableToolFunctionWithParse<{ city: string }>[] = [
    {
      type: 'function',
      function: {
        name: 'get_weather',
        description: 'The weather of a place',
        parameters: schema,
        parse: JSON.parse as (text: string) => { city: string },
        function: ({ city }: { city: string }) => {
          asked.push(city)
          return 'sunny'
        },
      },
    },
  ]
  const params = { model, messages, tools }
  const options = { maxChatCompletions: 50 }
  let texts = 0
  for (let run = 0; run < 4; run++) {
    const runner = streamed
      ? client.chat.completions.runTools({ ...params, stream: true }, options)
      : client.chat.completions.runTools(params, options)
    if (await runner.finalContent()) texts++
  }
  expect(texts).toBe(4)
  expect(asked.length).toBeGreaterThan(0)
})

test('parse gives objects of the schema, whole and streamed', async () => {
  const response_format = makeParseableResponseFormat(
    { type: 'json_schema', json_schema: { name: 'weather', strict: true, schema } },
    text => JSON.parse(text) as { city: string; temperature: number },
  )
  const parsed = { city: expect.any(String), temperature: expect.any(Number) }
  const whole = await client.chat.completions.parse({ model, messages, response_format })
  expect(whole.choices[0]!.message.parsed).toEqual(parsed)
  const stream = client.chat.completions.stream({ model, messages, response_format })
  expect((await stream.finalChatCompletion()).choices[0]!.message.parsed).toEqual(parsed)
})

test('parse says when a limit cut the answer', async () => {
  const response_format = { type: 'json_schema' as const, json_schema: { name: 'weather', strict: true, schema } }
  await expect(client.chat.completions.parse({ model, messages, response_format, max_tokens: 2 })).rejects.toThrow(
    LengthFinishReasonError,
  )
})

test('text completions, whole and streamed', async () => {
  const body = { model, prompt: ['a', 'b'], max_tokens: 5, seed: 9, logprobs: 2 }
  const whole = await client.completions.create(body)
  const texts = ['', '']
  for await (const chunk of await client.completions.create({ ...body, stream: true })) {
    for (const choice of chunk.choices) texts[choice.index] += choice.text
  }
  expect(texts).toEqual(whole.choices.map(choice => choice.text))
})

test('errors become exceptions of their class', async () => {
  await expect(client.chat.completions.create({ model: 'nope', messages })).rejects.toThrow(OpenAI.NotFoundError)
  await expect(
    client.chat.completions.create({ model, messages, tools: [{ type: 'function', function: { name: 'f' } }] }),
  ).rejects.toThrow(OpenAI.BadRequestError)
  await expect(client.chat.completions.create({ model, messages, max_tokens: 5000 })).rejects.toMatchObject({
    status: 400,
    message: expect.stringContaining('maximum context length is'),
  })
})
