import Anthropic from '@anthropic-ai/sdk'
import { betaTool } from '@anthropic-ai/sdk/helpers/beta/json-schema'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { checkMessage, checkMessageEvents } from '../testing/message-shapes.ts'
import { namedEvents } from '../testing/named-events.ts'
import { defaultSettings, startServer, type TestServer } from '../testing/server.ts'

type Event = Anthropic.Messages.RawMessageStreamEvent

let extraCallPercent = 0
let server: TestServer
let client: Anthropic
beforeAll(async () => {
  server = await startServer({
    settings: {
      get toolCalls() {
        return { ...defaultSettings.toolCalls, extraCallPercent }
      },
    },
  })
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
const now = { name: 'now', input_schema: { type: 'object' as const, properties: {} } }

async function events(body: object): Promise<Event[]> {
  const response = await server.post('/v1/messages', { ...base, ...body, stream: true })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const list = namedEvents<Event>(await response.text())
  checkMessageEvents(list)
  return list
}

function runs(list: readonly { type: string }[]): string[] {
  return list.map(event => event.type).filter((type, at, all) => type !== all[at - 1])
}

describe('tools', () => {
  test('any calls one; the arguments are an object of the schema', async () => {
    const message = await client.messages.create({ ...base, tools: [weather], tool_choice: { type: 'any' } })
    checkMessage(message)
    expect(message.stop_reason).toBe('tool_use')
    expect(message.content).toEqual([
      {
        type: 'tool_use',
        id: expect.stringMatching(/^toolu_\d{10}$/),
        name: 'get_weather',
        input: { location: expect.any(String) },
        caller: { type: 'direct' },
      },
    ])
  })

  test('no parameters are an empty object, never cut by the limit', async () => {
    const message = await client.messages.create({
      ...base,
      max_tokens: 1,
      tools: [weather, now],
      tool_choice: { type: 'tool', name: 'now' },
    })
    expect(message).toMatchObject({ stop_reason: 'tool_use', content: [{ name: 'now', input: {} }] })
  })

  test('several calls, and only one when parallel use is disabled', async () => {
    extraCallPercent = 100
    const body = { ...base, tools: [weather, now] }
    const several = await client.messages.create({ ...body, tool_choice: { type: 'any' } })
    const one = await client.messages.create({ ...body, tool_choice: { type: 'any', disable_parallel_tool_use: true } })
    extraCallPercent = 0
    expect(several.content).toHaveLength(2)
    expect(one.content).toHaveLength(1)
  })

  test.each([undefined, { type: 'auto' as const }, { type: 'none' as const }])('%j may give text', async choice => {
    const message = await client.messages.create({ ...base, tools: [weather], ...(choice && { tool_choice: choice }) })
    expect(message.content[0]!.type).toBe('text')
  })

  test('the events of two calls; the pieces join to JSON', async () => {
    extraCallPercent = 100
    const list = await events({ tools: [weather, now], tool_choice: { type: 'any' } })
    extraCallPercent = 0
    expect(runs(list)).toEqual([
      'message_start',
      'ping',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'content_block_start',
      'content_block_delta',
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    for (const index of [0, 1]) {
      const pieces = list.flatMap(event =>
        event.type === 'content_block_delta' && event.index === index && event.delta.type === 'input_json_delta'
          ? [event.delta.partial_json]
          : [],
      )
      expect(JSON.parse(pieces.join(''))).toBeTypeOf('object')
    }
  })

  test("the client's tool runner keeps its history and its tools", async () => {
    const asked: unknown[] = []
    const sent: { thread?: { type: string }; tools?: unknown[]; messages: unknown[] }[] = []
    const watched = new Anthropic({
      baseURL: server.url,
      apiKey: 'none',
      maxRetries: 0,
      fetch: (url, init) => {
        sent.push(JSON.parse(String(init?.body)))
        return fetch(url, init)
      },
    })
    const tool = betaTool({
      name: 'get_weather',
      description: 'The weather',
      inputSchema: { type: 'object', properties: { location: { type: 'string' } }, required: ['location'] },
      run: input => {
        asked.push(input)
        return 'sunny'
      },
    })
    const runner = watched.beta.messages.toolRunner({
      ...base,
      tools: [tool],
      tool_choice: { type: 'any' },
      max_iterations: 3,
    })
    const reasons: unknown[] = []
    for await (const message of runner) reasons.push(message.stop_reason)
    expect(reasons).toEqual(['tool_use', 'tool_use', 'tool_use'])
    expect(asked).toContainEqual({ location: expect.any(String) })
    // It asks for the server's memory of the conversation first. That there is none makes it send everything.
    expect(sent.some(body => body.thread?.type === 'continue')).toBe(true)
    const whole = sent.filter(body => body.thread?.type !== 'continue')
    expect(whole.map(body => [body.messages.length, body.tools?.length])).toEqual([
      [1, 1],
      [3, 1],
      [5, 1],
    ])
  })

  test('a stream of a call is accumulated by the client', async () => {
    const stream = client.messages.stream({ ...base, tools: [weather], tool_choice: { type: 'any' } })
    const message = await stream.finalMessage()
    expect(message.content[0]).toMatchObject({ type: 'tool_use', input: { location: expect.any(String) } })
  })
})
