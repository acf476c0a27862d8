import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { namedEvents } from '../../testing/named-events.ts'
import { checkEvents, checkResponse } from '../../testing/response-shapes.ts'
import { startServer, type TestServer } from '../../testing/server.ts'

type Event = OpenAI.Responses.ResponseStreamEvent

let server: TestServer
let client: OpenAI
beforeAll(async () => {
  server = await startServer()
  client = new OpenAI({ baseURL: `${server.url}/v1`, apiKey: 'none', maxRetries: 0 })
})
afterAll(() => server.close())

const model = 'my-model'
const weather: OpenAI.Responses.FunctionTool = {
  type: 'function',
  name: 'get_weather',
  description: 'The weather of a place',
  strict: true,
  parameters: {
    type: 'object',
    properties: { location: { type: 'string' } },
    required: ['location'],
    additionalProperties: false,
  },
}

async function events(body: object): Promise<Event[]> {
  const response = await server.post('/v1/responses', { model, ...body, stream: true })
  expect(response.headers.get('content-type')).toBe('text/event-stream')
  const list = namedEvents<Event>(await response.text())
  checkEvents(list)
  return list
}

describe('tools', () => {
  test('an agent loop: one call, its result, then text for the rest of the conversation', async () => {
    const input: OpenAI.Responses.ResponseInput = [{ role: 'user', content: 'The weather in Boston?' }]
    const first = await client.responses.create({ model, input, tools: [weather, { ...weather, name: 'other' }] })
    checkResponse(first)
    expect(first.output).toHaveLength(1)
    const call = first.output[0] as OpenAI.Responses.ResponseFunctionToolCallItem
    expect(call.id).toMatch(/^fc_\d{10}$/)
    expect(call.call_id).toBe(call.id.replace('fc_', 'call_'))
    expect(Object.keys(JSON.parse(call.arguments))).toEqual(['location'])
    expect(first.usage!.output_tokens).toBe(server.context.outputTokens(call.arguments).length + 3)
    const second = await client.responses.create({
      model,
      input: [...input, call, { type: 'function_call_output', call_id: call.call_id, output: 'sunny' }],
      tools: [weather],
      tool_choice: 'required',
    })
    expect(second.output[0]!.type).toBe('message')
    expect(second.usage!.input_tokens).toBeGreaterThan(first.usage!.input_tokens)
  })

  test('none gives text', async () => {
    const response = await client.responses.create({ model, input: 'Hi', tools: [weather], tool_choice: 'none' })
    expect(response.output[0]!.type).toBe('message')
  })

  test('the events of a call', async () => {
    const list = await events({ input: 'Hi', tools: [weather] })
    expect(list.map(event => event.type).filter((type, at, all) => type !== all[at - 1])).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.function_call_arguments.delta',
      'response.function_call_arguments.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(list[2]).toMatchObject({ item: { type: 'function_call', arguments: '', status: 'in_progress' } })
    expect(list.at(-3)).toMatchObject({ name: 'get_weather' })
  })

  test('the nested form of chat is taken, and shown flat', async () => {
    const { type, ...definition } = weather
    const body = { model, input: 'Hi', tools: [{ type, function: definition }] }
    const response = await server.json<OpenAI.Responses.Response>('/v1/responses', body)
    checkResponse(response)
    expect(response.tools).toEqual([weather])
    expect(response.output[0]!.type).toBe('function_call')
  })

  test('the stream helper and parse read the arguments', async () => {
    const stream = client.responses.stream({ model, input: 'Hi', tools: [weather] })
    const streamed = await stream.finalResponse()
    expect(streamed.output[0]).toMatchObject({
      type: 'function_call',
      parsed_arguments: { location: expect.any(String) },
    })
    const parsed = await client.responses.parse({ model, input: 'Hi', tools: [weather] })
    expect(parsed.output[0]).toMatchObject({ parsed_arguments: { location: expect.any(String) } })
  })
})

describe('structured output', () => {
  const format = {
    type: 'json_schema',
    name: 'person',
    schema: {
      type: 'object',
      properties: { name: { type: 'string' }, age: { type: 'integer', minimum: 1, maximum: 99 } },
      required: ['name', 'age'],
      additionalProperties: false,
    },
  } as const

  test('parse gives an object that fits', async () => {
    const response = await client.responses.parse({ model, input: 'Hi', text: { format } })
    expect(response.output_parsed).toEqual({ name: expect.any(String), age: expect.any(Number) })
    expect(response.text).toEqual({ format })
  })

  test('streamed text is the same JSON', async () => {
    const stream = client.responses.stream({ model, input: 'Hi', text: { format } })
    const response = await stream.finalResponse()
    expect(Object.keys(response.output_parsed as object).sort()).toEqual(['age', 'name'])
  })

  test('json_object is an object', async () => {
    const response = await client.responses.create({ model, input: 'Hi', text: { format: { type: 'json_object' } } })
    expect(JSON.parse(response.output_text)).toBeInstanceOf(Object)
  })
})

describe('reasoning', () => {
  test('an item of its own before the answer, counted in the usage', async () => {
    const response = await client.responses.create({ model, input: 'Hi', reasoning: { effort: 'low' } })
    checkResponse(response)
    const [reasoning, message] = response.output
    expect(reasoning).toMatchObject({ type: 'reasoning', id: `rs_${response.id.slice(5)}`, summary: [] })
    expect(message!.type).toBe('message')
    const { content } = reasoning as OpenAI.Responses.ResponseReasoningItem
    expect(content![0]!.text).not.toBe('')
    expect(response.usage!.output_tokens_details.reasoning_tokens).toBe(
      server.context.outputTokens(content![0]!.text).length,
    )
  })

  test('the events of reasoning come before those of the message', async () => {
    const list = await events({ input: 'Hi', reasoning: { effort: 'low' } })
    const types = list.map(event => event.type).filter((type, at, all) => type !== all[at - 1])
    expect(types.slice(2, 8)).toEqual([
      'response.output_item.added',
      'response.content_part.added',
      'response.reasoning_text.delta',
      'response.reasoning_text.done',
      'response.content_part.done',
      'response.output_item.done',
    ])
    expect(list.at(-2)).toMatchObject({ output_index: 1, item: { type: 'message' } })
  })

  test('reasoning can go back into the input, and be left out of the answer', async () => {
    const first = await client.responses.create({ model, input: 'Hi', reasoning: {} })
    const input = [...first.output, { role: 'user', content: 'Go on' }] as OpenAI.Responses.ResponseInput
    const body = { model, input, reasoning: {}, include_reasoning: false }
    const second = await server.json<OpenAI.Responses.Response>('/v1/responses', body)
    expect(second.output.map(item => item.type)).toEqual(['message'])
    expect(second.usage!.output_tokens_details.reasoning_tokens).toBeGreaterThan(0)
  })

  test("the client's stream helper runs to the end; effort none is no reasoning", async () => {
    const stream = client.responses.stream({ model, input: 'Hi', reasoning: { effort: 'low' } })
    expect((await stream.finalResponse()).output.map(item => item.type)).toEqual(['reasoning', 'message'])
    const plain = await client.responses.create({ model, input: 'Hi', reasoning: { effort: 'none' } })
    expect(plain.output.map(item => item.type)).toEqual(['message'])
  })
})
