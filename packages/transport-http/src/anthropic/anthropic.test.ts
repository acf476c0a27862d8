import Anthropic from '@anthropic-ai/sdk'
import { jsonSchemaOutputFormat } from '@anthropic-ai/sdk/helpers/json-schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkMessage, checkMessageEvents } from '../testing/message-shapes.ts'
import { namedEvents } from '../testing/named-events.ts'
import { startServer, type TestServer } from '../testing/server.ts'

type Event = Anthropic.Messages.RawMessageStreamEvent

let server: TestServer
let client: Anthropic
beforeAll(async () => {
  server = await startServer()
  client = new Anthropic({ baseURL: server.url, apiKey: 'none', maxRetries: 0 })
})
afterAll(() => server.close())

const base = {
  model: 'my-model',
  max_tokens: 200,
  messages: [{ role: 'user' as const, content: 'This is a test.' }],
}
const weather = {
  name: 'get_weather',
  description: 'The weather of a place',
  input_schema: {
    type: 'object' as const,
    properties: { location: { type: 'string' } },
    required: ['location'],
    additionalProperties: false,
  },
}

async function events(body: object): Promise<Event[]> {
  const response = await server.post('/v1/messages', { ...base, ...body, stream: true })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const list = namedEvents<Event>(await response.text())
  checkMessageEvents(list)
  return list
}

describe('text', () => {
  test('a message has all members of the type', async () => {
    const message = await client.messages.create(base)
    checkMessage(message)
    expect(message).toMatchObject({ type: 'message', role: 'assistant', model: 'my-model', stop_sequence: null })
    expect(message.id).toMatch(/^msg_/)
    expect(message.content).toEqual([{ type: 'text', text: expect.stringMatching(/./) }])
    expect(message.usage.input_tokens).toBe(10)
  })

  test('the length limit is max_tokens', async () => {
    const message = await client.messages.create({ ...base, max_tokens: 1 })
    expect(message.stop_reason).toBe('max_tokens')
    expect(message.usage.output_tokens).toBe(1)
  })

  test('a stop sequence ends the text and is named', async () => {
    const message = await client.messages.create({ ...base, stop_sequences: ['zzz', 'e'] })
    expect(message).toMatchObject({ stop_reason: 'stop_sequence', stop_sequence: 'e' })
    expect(JSON.stringify(message.content)).not.toMatch(/"text":"[^"]*e/)
  })

  test('the events of a text, one delta per token', async () => {
    const list = await events({ max_tokens: 3, ignore_eos: true })
    expect(list.map(event => event.type)).toEqual([
      'message_start',
      'content_block_start',
      'ping',
      'content_block_delta',
      'content_block_delta',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    expect(list[0]).toMatchObject({
      message: { content: [], stop_reason: null, usage: { input_tokens: 10, output_tokens: 0 } },
    })
    expect(list[1]).toMatchObject({ index: 0, content_block: { type: 'text', text: '' } })
    expect(list[3]).toMatchObject({ index: 0, delta: { type: 'text_delta', text: expect.any(String) } })
    expect(list[7]).toMatchObject({
      delta: { stop_reason: 'max_tokens', stop_sequence: null },
      usage: { input_tokens: 10, output_tokens: 3, cache_read_input_tokens: 0, cache_creation_input_tokens: 0 },
    })
  })

  test('the same request with a seed gives the same message, streamed or not', async () => {
    const body = { ...base, seed: 9 }
    const whole = await server.json<Anthropic.Messages.Message>('/v1/messages', body)
    const stream = client.messages.stream(body)
    let text = ''
    stream.on('text', piece => {
      text += piece
    })
    const message = await stream.finalMessage()
    expect(message.content[0]).toMatchObject({ text })
    const { id: _, ...rest } = message
    expect(whole).toMatchObject(JSON.parse(JSON.stringify({ ...rest, parsed_output: undefined })))
  })

  test('a query and the headers of betas change nothing', async () => {
    const message = await client.beta.messages.create({ ...base, betas: ['context-1m-2025-08-07'] })
    expect(message.type).toBe('message')
  })
})

describe('thinking', () => {
  const thinking = { type: 'enabled' as const, budget_tokens: 1024 }

  test('a signed block before the text, counted', async () => {
    const message = await client.messages.create({ ...base, thinking })
    checkMessage(message)
    expect(message.content.map(block => block.type)).toEqual(['thinking', 'text'])
    expect(message.content[0]).toMatchObject({
      thinking: expect.stringMatching(/./),
      signature: expect.stringMatching(/./),
    })
    expect(message.usage.output_tokens_details!.thinking_tokens).toBeGreaterThan(0)
  })

  test('its events end with the signature', async () => {
    const list = await events({ thinking })
    const first = list.filter(event => 'index' in event && event.index === 0)
    expect(first[0]).toMatchObject({ content_block: { type: 'thinking', thinking: '', signature: '' } })
    expect(first.at(-2)).toMatchObject({ delta: { type: 'signature_delta', signature: expect.any(String) } })
    const message = await client.messages.stream({ ...base, thinking }).finalMessage()
    expect(message.content[0]).toMatchObject({ type: 'thinking', signature: expect.stringMatching(/./) })
  })

  test('a limit that leaves no room for text gives an empty block of it', async () => {
    const list = await events({ thinking: { type: 'enabled', budget_tokens: 1 }, max_tokens: 1 })
    expect(list.some(event => event.type === 'content_block_start' && event.content_block.type === 'text')).toBe(true)
  })

  test('disabled is none; what was thought can go back', async () => {
    const first = await client.messages.create({ ...base, thinking })
    const second = await client.messages.create({
      ...base,
      thinking: { type: 'disabled' },
      messages: [...base.messages, { role: 'assistant', content: first.content }, { role: 'user', content: 'Go on' }],
    })
    expect(second.content.map(block => block.type)).toEqual(['text'])
  })
})

test('structured output fits its schema, whole and streamed', async () => {
  const format = jsonSchemaOutputFormat({
    type: 'object',
    properties: { name: { type: 'string' }, age: { type: 'integer' } },
    required: ['name', 'age'],
    additionalProperties: false,
  })
  const parsed = await client.messages.parse({ ...base, output_config: { format } })
  expect(parsed.parsed_output).toEqual({ name: expect.any(String), age: expect.any(Number) })
  const streamed = await client.messages.stream({ ...base, output_config: { format } }).finalMessage()
  expect(streamed.parsed_output).toEqual({ name: expect.any(String), age: expect.any(Number) })
})

describe('counting tokens', () => {
  const image = { type: 'image' as const, source: { type: 'url' as const, url: 'http://example.com/a.png' } }
  test.each<Anthropic.Messages.MessageCountTokensParams>([
    { model: base.model, messages: base.messages },
    { model: base.model, messages: base.messages, system: 'Be brief' },
    {
      model: base.model,
      messages: base.messages,
      system: [
        { type: 'text', text: 'a' },
        { type: 'text', text: 'b' },
      ],
    },
    { model: base.model, messages: base.messages, tools: [weather], tool_choice: { type: 'any' } },
    { model: base.model, messages: [{ role: 'user', content: [{ type: 'text', text: 'Look' }, image] }] },
    {
      model: base.model,
      messages: [
        ...base.messages,
        { role: 'assistant', content: [{ type: 'tool_use', id: 'toolu_1', name: 'f', input: { a: 1 } }] },
        { role: 'user', content: [{ type: 'tool_result', tool_use_id: 'toolu_1', content: 'sunny' }] },
      ],
    },
  ])('agrees with the usage of the same request: %j', async body => {
    const count = await client.messages.countTokens(body)
    const message = await client.messages.create({
      ...body,
      max_tokens: 50,
    } as Anthropic.Messages.MessageCreateParamsNonStreaming)
    expect(count.input_tokens).toBe(message.usage.input_tokens)
    expect(count.input_tokens).toBeGreaterThan(0)
  })
})
