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

describe('text', () => {
  test('a response has all members of the type and the text', async () => {
    const response = await client.responses.create({ model, input: 'This is a test.', max_output_tokens: 5 })
    checkResponse(response)
    expect(response).toMatchObject({ object: 'response', status: 'completed', model })
    expect(response.id).toMatch(/^resp_/)
    expect(response.output).toHaveLength(1)
    expect(response.output[0]).toMatchObject({ type: 'message', role: 'assistant', id: `msg_${response.id.slice(5)}` })
    expect(response.output_text).not.toBe('')
    expect(response.usage!.input_tokens).toBe(10)
    expect(response.usage!.total_tokens).toBe(10 + response.usage!.output_tokens)
  })

  test('the length limit completes a response too', async () => {
    const response = await client.responses.create({ model, input: 'Hi', max_output_tokens: 1 })
    expect(response.status).toBe('completed')
    expect(response.incomplete_details).toBeNull()
    expect(response.usage!.output_tokens).toBe(1)
  })

  test('what only some requests say is absent from the answers of others', async () => {
    const plain = await client.responses.create({ model, input: 'Hi' })
    expect(Object.keys(plain)).not.toContain('safety_identifier')
    expect(Object.keys(plain)).not.toContain('prompt_cache_key')
    const said = { safety_identifier: 'me', prompt_cache_key: 'k' }
    expect(await client.responses.create({ model, input: 'Hi', ...said })).toMatchObject(said)
  })

  test('what the request says is repeated', async () => {
    const body = {
      model,
      input: 'Hi',
      instructions: 'Be brief',
      metadata: { a: 'b' },
      temperature: 0.5,
      top_p: 0.25,
      max_output_tokens: 9,
      parallel_tool_calls: false,
      truncation: 'auto',
      user: 'me',
      tools: [weather],
      tool_choice: { type: 'function', name: 'get_weather' },
      reasoning: { effort: 'high' },
      text: { format: { type: 'text' }, verbosity: 'low' },
      service_tier: 'flex',
    } as const
    const response = await client.responses.create({ ...body, tools: [weather] })
    checkResponse(response)
    const { input: _, ...shown } = body
    expect(response).toMatchObject(shown)
    // Not part of the prompt, as in the reference.
    expect(response.usage!.input_tokens).toBe(
      (await client.responses.create({ model, input: 'Hi' })).usage!.input_tokens,
    )
  })

  test('the events of a text, in order, with one delta per token', async () => {
    const list = await events({ input: 'Hi', max_output_tokens: 3, ignore_eos: true })
    expect(list.map(event => event.type)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.delta',
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    expect(list[3]).toMatchObject({ content_index: 0, output_index: 0, part: { type: 'output_text', text: '' } })
    expect(list[4]).toMatchObject({ logprobs: [] })
  })

  test('an empty answer is a message without text, streamed or not', async () => {
    const echo = await startServer({ settings: { echo: true } })
    const body = { model, input: [{ role: 'user', content: '' }] }
    const whole = await echo.json<OpenAI.Responses.Response>('/v1/responses', body)
    expect(whole.output).toMatchObject([{ content: [{ type: 'output_text', text: '' }] }])
    expect(whole.usage!.output_tokens).toBe(0)
    const list = namedEvents<Event>(await (await echo.post('/v1/responses', { ...body, stream: true })).text())
    checkEvents(list)
    expect(list.at(-1)).toMatchObject({ response: { output: [{ type: 'message', content: [{ text: '' }] }] } })
    await echo.close()
  })

  test('the same request with a seed gives the same text, streamed or not', async () => {
    const body = { input: 'Hi', seed: 5, max_output_tokens: 300 }
    const whole = await server.json<OpenAI.Responses.Response>('/v1/responses', { model, ...body })
    const last = (await events(body)).at(-1) as OpenAI.Responses.ResponseCompletedEvent
    const text = (response: OpenAI.Responses.Response): unknown =>
      (response.output[0] as OpenAI.Responses.ResponseOutputMessage).content
    expect(text(last.response)).toEqual(text(whole))
    expect(last.response.usage).toEqual(whole.usage)
  })

  test('stop strings end the text', async () => {
    const body = { model, input: 'Hi', seed: 5, max_output_tokens: 300, ignore_eos: true }
    const whole = await server.json<OpenAI.Responses.Response>('/v1/responses', { ...body, stop: ['e'] })
    expect(JSON.stringify(whole.output)).not.toMatch(/"text":"[^"]*e/)
  })

  test("the client's stream helper runs to the end", async () => {
    const stream = client.responses.stream({ model, input: 'Hi' })
    let text = ''
    stream.on('response.output_text.delta', ({ delta }) => {
      text += delta
    })
    const response = await stream.finalResponse()
    expect(response.output_text).toBe(text)
    expect(text).not.toBe('')
  })
})

describe('logprobs', () => {
  const include = ['message.output_text.logprobs'] as OpenAI.Responses.ResponseIncludable[]

  test('an entry per token with the requested alternatives', async () => {
    const body = { model, input: 'Hi', include, top_logprobs: 2, max_output_tokens: 3 }
    const response = await client.responses.create(body)
    checkResponse(response)
    const [part] = (response.output[0] as OpenAI.Responses.ResponseOutputMessage).content
    const { logprobs, text } = part as OpenAI.Responses.ResponseOutputText
    expect(logprobs).toHaveLength(response.usage!.output_tokens)
    expect(logprobs!.map(entry => entry.token).join('')).toBe(text)
    expect(logprobs![0]).toMatchObject({ logprob: -1, top_logprobs: [{ logprob: -1 }, { logprob: -1.5 }] })
    expect(response.top_logprobs).toBe(2)
  })

  test('no alternatives are an empty list', async () => {
    const response = await client.responses.create({ model, input: 'Hi', include, max_output_tokens: 1 })
    expect(response.output[0]).toMatchObject({ content: [{ logprobs: [{ logprob: -1, top_logprobs: [] }] }] })
  })

  test('deltas carry one entry each, the part at the end all, the done event none', async () => {
    const list = await events({ input: 'Hi', include, top_logprobs: 1, max_output_tokens: 4, ignore_eos: true })
    const deltas = list.filter(event => event.type === 'response.output_text.delta')
    expect(deltas.map(event => event.logprobs.length)).toEqual([1, 1, 1, 1])
    expect(deltas.map(event => event.logprobs[0]!.logprob)).toEqual([-1, -1.1, -1.2, -1])
    const all = deltas.flatMap(event => event.logprobs)
    expect(list.find(event => event.type === 'response.output_text.done')).toMatchObject({ logprobs: [] })
    expect(list.at(-1)).toMatchObject({ response: { output: [{ content: [{ logprobs: all }] }] } })
  })

  test('top_logprobs alone asks for none', async () => {
    const response = await client.responses.create({ model, input: 'Hi', top_logprobs: 2 })
    expect(response.output[0]).toMatchObject({ content: [{ logprobs: [] }] })
  })
})
