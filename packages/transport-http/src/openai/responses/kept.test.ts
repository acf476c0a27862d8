import { VirtualClock } from '@vllm-sim/core-engine'
import OpenAI from 'openai'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { namedEvents } from '../../testing/named-events.ts'
import { checkEvents, checkResponse } from '../../testing/response-shapes.ts'
import { startServer, type TestServer } from '../../testing/server.ts'

type Event = OpenAI.Responses.ResponseStreamEvent
type Response = OpenAI.Responses.Response

const model = 'my-model'
let server: TestServer
let client: OpenAI
beforeAll(async () => {
  server = await startServer()
  client = clientOf(server)
})
afterAll(() => server.close())

function clientOf({ url }: TestServer): OpenAI {
  return new OpenAI({ baseURL: `${url}/v1`, apiKey: 'none', maxRetries: 0 })
}

/** What the client itself adds. */
function bare({ output_text: _, ...response }: Response): object {
  return response
}

async function error(response: globalThis.Response | Promise<globalThis.Response>): Promise<unknown> {
  const { status, ...rest } = await response
  expect(rest).toBeDefined()
  return status
}

describe('responses that are kept', () => {
  test('can be read again, streamed ones too, and deleted', async () => {
    const whole = await client.responses.create({ model, input: 'Hi' })
    expect(bare(await client.responses.retrieve(whole.id))).toEqual(bare(whole))
    const streamed = await client.responses.stream({ model, input: 'Hi' }).finalResponse()
    const again = await client.responses.retrieve(streamed.id)
    expect(again.output_text).toBe(streamed.output_text)
    await client.responses.delete(whole.id)
    await expect(client.responses.retrieve(whole.id)).rejects.toBeInstanceOf(OpenAI.NotFoundError)
  })

  test('an unknown id is an error that names it', async () => {
    const response = await fetch(`${server.url}/v1/responses/resp_x`)
    expect(response.status).toBe(404)
    expect(await response.json()).toEqual({
      error: {
        message: "Response with id 'resp_x' not found.",
        type: 'invalid_request_error',
        param: 'response_id',
        code: 404,
      },
    })
    for (const [method, path] of [
      ['DELETE', ''],
      ['POST', '/cancel'],
      ['GET', '/input_items'],
      ['GET', '?stream=true'],
    ] as const) {
      const other = await fetch(`${server.url}/v1/responses/resp_x${path}`, { method })
      expect(await error(other)).toBe(404)
    }
  })

  test('store: false keeps nothing', async () => {
    const { id } = await client.responses.create({ model, input: 'Hi', store: false })
    await expect(client.responses.retrieve(id)).rejects.toBeInstanceOf(OpenAI.NotFoundError)
  })

  test('only the newest thousand are kept', async () => {
    const small = await startServer()
    const send = (): Promise<Response> =>
      small.json<Response>('/v1/responses', { model, input: 'Hi', max_output_tokens: 1 })
    const ids: string[] = []
    while (ids.length < 1002) ids.push(...(await Promise.all(Array.from({ length: 32 }, send))).map(({ id }) => id))
    const ordered = ids.map(id => Number(id.replace('resp_test-', ''))).sort((a, b) => a - b)
    const status = async (at: number): Promise<number> =>
      (await fetch(`${small.url}/v1/responses/resp_test-${ordered.at(at)}`)).status
    expect(await status(0)).toBe(404)
    expect(await status(-1)).toBe(200)
    expect(await status(-900)).toBe(200)
    await small.close()
  })

  test('their events can be replayed from any place', async () => {
    const text = await (await server.post('/v1/responses', { model, input: 'Hi', stream: true, seed: 3 })).text()
    const events = namedEvents<Event>(text)
    const { id } = (events[0] as OpenAI.Responses.ResponseCreatedEvent).response
    const all = await fetch(`${server.url}/v1/responses/${id}?stream=true`)
    expect(await all.text()).toBe(text)
    const rest = namedEvents<Event>(
      await (await fetch(`${server.url}/v1/responses/${id}?stream=true&starting_after=4`)).text(),
    )
    checkEvents(rest, 5)
    expect(rest).toEqual(events.slice(5))
    const replayed = await client.responses.retrieve(id, { stream: true })
    const seen: Event[] = []
    for await (const event of replayed) seen.push(event)
    expect(seen).toHaveLength(events.length)
    const wrong = await fetch(`${server.url}/v1/responses/${id}?stream=true&starting_after=-3`)
    expect(await error(wrong)).toBe(400)
  })

  test('a response that no client waited for cannot be cancelled otherwise', async () => {
    const { id } = await client.responses.create({ model, input: 'Hi' })
    const response = await server.post(`/v1/responses/${id}/cancel`, '')
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({ error: { message: 'Cannot cancel a synchronous response.' } })
  })
})

describe('input items', () => {
  test('have ids, types and parts, newest first, in pages', async () => {
    const { id } = await client.responses.create({
      model,
      input: [
        { role: 'user', content: 'One' },
        { role: 'assistant', content: 'Two' },
        { type: 'function_call', call_id: 'call_1', name: 'f', arguments: '{}' },
        { type: 'function_call_output', call_id: 'call_1', output: 'x' },
      ],
    })
    const page = await client.responses.inputItems.list(id, { limit: 3 })
    expect(page.data.map(item => item.type)).toEqual(['function_call_output', 'function_call', 'message'])
    expect(page.has_more).toBe(true)
    const all = []
    for await (const item of client.responses.inputItems.list(id, { limit: 1, order: 'asc' })) all.push(item)
    expect(all).toHaveLength(4)
    expect(new Set(all.map(item => item.id)).size).toBe(4)
    expect(all[0]).toMatchObject({ role: 'user', content: [{ type: 'input_text', text: 'One' }], status: 'completed' })
    expect(all[1]).toMatchObject({ role: 'assistant', content: [{ type: 'output_text', text: 'Two' }] })
  })

  test.each(['limit=0', 'limit=x', 'limit=101', 'order=up', 'after=nothing'])('%s is refused', async query => {
    const { id } = await client.responses.create({ model, input: 'Hi' })
    expect(await error(fetch(`${server.url}/v1/responses/${id}/input_items?${query}`))).toBe(400)
  })
})

describe('previous_response_id', () => {
  test('puts the earlier conversation before the input', async () => {
    const first = await client.responses.create({ model, input: 'This is a test.' })
    const second = await client.responses.create({ model, input: 'Go on', previous_response_id: first.id })
    expect(second.previous_response_id).toBe(first.id)
    const written = await client.responses.create({
      model,
      input: [
        { role: 'user', content: 'This is a test.' },
        { role: 'assistant', content: first.output_text },
        { role: 'user', content: 'Go on' },
      ],
    })
    expect(second.usage!.input_tokens).toBe(written.usage!.input_tokens)
    const body = { model, input: 'Go on', previous_response_id: first.id }
    const count = await client.responses.inputTokens.count(body)
    expect(count).toEqual({ object: 'response.input_tokens', input_tokens: second.usage!.input_tokens })
    // Also when the first one is gone.
    await client.responses.delete(first.id)
    const third = await client.responses.create({ model, input: 'And on', previous_response_id: second.id })
    expect(third.usage!.input_tokens).toBeGreaterThan(second.usage!.input_tokens + second.usage!.output_tokens)
  })

  test("a function's result ends the calls of the whole conversation", async () => {
    const tools = [
      {
        type: 'function' as const,
        name: 'f',
        strict: null,
        parameters: { type: 'object', properties: { a: { type: 'string' } } },
      },
    ]
    const first = await client.responses.create({ model, input: 'Hi', tools })
    const { call_id } = first.output[0] as OpenAI.Responses.ResponseFunctionToolCall
    const second = await client.responses.create({
      model,
      input: [{ type: 'function_call_output', call_id, output: 'x' }],
      previous_response_id: first.id,
      tools,
    })
    expect(second.output[0]!.type).toBe('message')
    const third = await client.responses.create({ model, input: 'Again', previous_response_id: second.id, tools })
    expect(third.output[0]!.type).toBe('message')
  })

  test('an unknown one is an error', async () => {
    const response = await server.post('/v1/responses', { model, input: 'Hi', previous_response_id: 'resp_y' })
    expect(response.status).toBe(404)
    expect(await response.json()).toMatchObject({
      error: { message: "Response with id 'resp_y' not found.", param: 'previous_response_id' },
    })
  })
})

describe('background', () => {
  /** A server whose time stands still until told to go on. */
  async function slow(): Promise<{ server: TestServer; client: OpenAI; clock: VirtualClock }> {
    const clock = new VirtualClock()
    const slowServer = await startServer({ clock, latency: { timeToFirstToken: 1000, interTokenLatency: 100 } })
    return { server: slowServer, client: clientOf(slowServer), clock }
  }
  const request = { model, input: 'Hi', background: true, seed: 3, max_output_tokens: 5, ignore_eos: true } as const

  test('is queued at once, and can be asked for until it is done', async () => {
    const { server, client, clock } = await slow()
    const queued = await client.responses.create(request)
    checkResponse(queued)
    expect(queued).toMatchObject({ status: 'queued', background: true, output: [] })
    clock.advance(1000)
    const running = await client.responses.retrieve(queued.id)
    expect(running.status).toBe('in_progress')
    clock.advance(1000)
    const done = await client.responses.retrieve(queued.id)
    checkResponse(done)
    expect(done.status).toBe('completed')
    expect(done.usage!.output_tokens).toBe(5)
    expect(done.output_text.startsWith(running.output_text)).toBe(true)
    await server.close()
  })

  test('can be cancelled, twice too, and frees its slot', async () => {
    const { server, client, clock } = await slow()
    const { id } = await client.responses.create(request)
    clock.advance(1100)
    expect(server.engine.running).toBe(1)
    const cancelled = await client.responses.cancel(id)
    expect(cancelled.status).toBe('cancelled')
    expect(server.engine.running).toBe(0)
    expect((await client.responses.cancel(id)).status).toBe('cancelled')
    const events = namedEvents<Event>(await (await fetch(`${server.url}/v1/responses/${id}?stream=true`)).text())
    expect(events.at(-1)).toMatchObject({ type: 'response.incomplete', response: { status: 'cancelled' } })
    await server.close()
  })

  test('a stream follows it, and another one takes it up where the first was left', async () => {
    const { server, client, clock } = await slow()
    const stream = await client.responses.create({ ...request, stream: true })
    const seen: Event[] = []
    for await (const event of stream) {
      seen.push(event)
      if (event.type === 'response.queued') clock.advance(1000)
      // The client leaves; the response is made all the same.
      if (event.type === 'response.output_text.delta') break
    }
    const { id } = (seen[0] as OpenAI.Responses.ResponseCreatedEvent).response
    const rest = await client.responses.retrieve(id, {
      stream: true,
      starting_after: seen.at(-1)!.sequence_number,
    })
    clock.advance(1000)
    for await (const event of rest) seen.push(event)
    checkEvents(seen)
    expect(seen.map(event => event.type).slice(0, 3)).toEqual([
      'response.created',
      'response.queued',
      'response.in_progress',
    ])
    expect(seen.at(-1)).toMatchObject({ type: 'response.completed', response: { usage: { output_tokens: 5 } } })
    await server.close()
  })

  test('what fails in the background tells so', async () => {
    const queued = await client.responses.create({ model, input: 'Hi', background: true, max_output_tokens: 100_000 })
    const failed = await client.responses.retrieve(queued.id)
    checkResponse(failed)
    expect(failed.status).toBe('failed')
    expect(failed.error).toMatchObject({ message: expect.stringContaining('maximum context length is 1024 tokens') })
    const events = namedEvents<Event>(await (await fetch(`${server.url}/v1/responses/${queued.id}?stream=true`)).text())
    checkEvents(events)
    expect(events.at(-1)!.type).toBe('response.failed')
  })

  test('needs the store', async () => {
    const response = await server.post('/v1/responses', { ...request, store: false })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { message: 'background can only be used when `store` is true', type: 'invalid_request_error' },
    })
  })

  test('a deleted one ends', async () => {
    const { server, client, clock } = await slow()
    const { id } = await client.responses.create(request)
    clock.advance(1000)
    await client.responses.delete(id)
    expect(server.engine.running).toBe(0)
    await server.close()
  })
})

describe('whose a response is', () => {
  const create = async (on: TestServer, body: object, headers?: Record<string, string>): Promise<Response> =>
    on.json<Response>('/v1/responses', { model, input: 'Hi', ...body }, headers)

  test('an id that a request brings does not displace what is kept under it', async () => {
    const first = await create(server, { input: 'one', request_id: 'mine' })
    const second = await create(server, { input: 'two', request_id: 'mine' })
    expect(first.id).toBe('resp_mine')
    expect(second.id).not.toBe('resp_mine')
    expect(await client.responses.retrieve('resp_mine')).toMatchObject({ output: first.output })
    expect(await client.responses.retrieve(second.id)).toMatchObject({ output: second.output })
  })

  test('each key sees its own alone', async () => {
    const guarded = await startServer({ api: { apiKeys: ['one', 'two'] } })
    const [one, two] = ['one', 'two'].map(key => ({ authorization: `Bearer ${key}` }))
    const { id } = await create(guarded, { input: 'secret', request_id: 'x' }, one)
    expect((await create(guarded, { request_id: 'x' }, two)).id).toBe(id)
    const items = async (headers: Record<string, string>): Promise<string> =>
      (await fetch(`${guarded.url}/v1/responses/${id}/input_items`, { headers })).text()
    expect(await items(one!)).toContain('secret')
    expect(await items(two!)).not.toContain('secret')
    const only = await create(guarded, {}, one)
    for (const [method, path] of [
      ['GET', ''],
      ['GET', '/input_items'],
      ['POST', '/cancel'],
      ['DELETE', ''],
    ]) {
      const reply = await fetch(`${guarded.url}/v1/responses/${only.id}${path}`, { method: method!, headers: two! })
      expect(reply.status).toBe(404)
    }
    const continued = { model, input: 'more', previous_response_id: only.id }
    expect((await guarded.post('/v1/responses', continued, two)).status).toBe(404)
    expect((await guarded.post('/v1/responses', continued, one)).status).toBe(200)
    await guarded.close()
  })
})
