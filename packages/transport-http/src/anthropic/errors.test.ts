import Anthropic from '@anthropic-ai/sdk'
import { QueueFullError, VirtualClock } from '@vllm-sim/core-engine'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { brokenStream } from '../testing/failing-engine.ts'
import { namedEvents } from '../testing/named-events.ts'
import { startServer, type TestServer } from '../testing/server.ts'

let server: TestServer
let client: Anthropic
beforeAll(async () => {
  server = await startServer()
  client = new Anthropic({ baseURL: server.url, apiKey: 'none', maxRetries: 0 })
})
afterAll(() => server.close())

const base = { model: 'my-model', max_tokens: 20, messages: [{ role: 'user' as const, content: 'Hi' }] }

describe("Anthropic's form of errors", () => {
  test.each([
    [400, 'invalid_request_error', Anthropic.BadRequestError],
    [401, 'authentication_error', Anthropic.AuthenticationError],
    [403, 'permission_error', Anthropic.PermissionDeniedError],
    [404, 'not_found_error', Anthropic.NotFoundError],
    [413, 'request_too_large', Anthropic.APIError],
    [422, 'invalid_request_error', Anthropic.UnprocessableEntityError],
    [429, 'rate_limit_error', Anthropic.RateLimitError],
    [500, 'api_error', Anthropic.InternalServerError],
    [503, 'overloaded_error', Anthropic.InternalServerError],
    [529, 'overloaded_error', Anthropic.InternalServerError],
  ])('%i is %s', async (status, type, ErrorClass) => {
    const call = client.messages.create(base, { headers: { 'x-return-error': String(status) } })
    const error = await call.catch((thrown: unknown) => thrown)
    expect(error).toBeInstanceOf(ErrorClass)
    expect(error).toMatchObject({
      status,
      type,
      error: {
        type: 'error',
        error: { type, message: `Simulated error triggered by X-Return-Error header (code ${status})` },
        request_id: null,
      },
    })
  })

  test('applies to streams that have not begun, to broken bodies and to counting', async () => {
    const wrong = { ...base, model: 'other' }
    await expect(client.messages.stream(wrong).finalMessage()).rejects.toBeInstanceOf(Anthropic.NotFoundError)
    await expect(client.messages.countTokens(wrong)).rejects.toMatchObject({ type: 'not_found_error' })
    const broken = await server.post('/v1/messages', '{')
    expect(await broken.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } })
    const brokenCount = await server.post('/v1/messages/count_tokens', '{')
    expect(await brokenCount.json()).toMatchObject({ type: 'error', error: { type: 'invalid_request_error' } })
  })

  test('a full queue is a rate limit', async () => {
    const clock = new VirtualClock()
    const full = await startServer({
      clock,
      engine: { maxNumSeqs: 1, maxWaiting: 0 },
      latency: { timeToFirstToken: 1000 },
    })
    const first = full.post('/v1/responses', { model: 'my-model', input: 'x', background: true })
    expect((await first).status).toBe(200)
    const refused = await full.post('/v1/messages', { ...base, stream: true })
    expect(refused.status).toBe(429)
    expect(await refused.json()).toEqual({
      type: 'error',
      error: { type: 'rate_limit_error', message: new QueueFullError().message },
      request_id: null,
    })
    await full.close()
  })

  test('inside a stream it is an event of its own, and nothing follows', async () => {
    const text = await brokenStream(server.context, '/v1/messages', base)
    expect(namedEvents(text).map(event => event.type)).toEqual([
      'message_start',
      'content_block_start',
      'ping',
      'content_block_delta',
      'content_block_delta',
      'error',
    ])
    expect(text).toMatch(/"error":\{"type":"api_error","message":"the engine broke"\},"request_id":null\}\n\n$/)
  })
})

test('with --anthropic-errors=false errors have the common form, which the client maps to its classes all the same', async () => {
  const common = await startServer({ settings: { anthropicErrors: false } })
  const other = new Anthropic({ baseURL: common.url, apiKey: 'none', maxRetries: 0 })
  const error = await other.messages.create({ ...base, model: 'other' }).catch((thrown: unknown) => thrown)
  expect(error).toBeInstanceOf(Anthropic.NotFoundError)
  expect(error).toMatchObject({
    error: { error: { message: 'The model `other` does not exist.', type: 'NotFoundError', code: 404 } },
  })
  const text = await brokenStream(common.context, '/v1/messages', base)
  expect(text.split('\n\n').slice(-3)).toEqual([
    'data: {"error":{"message":"the engine broke","type":"InternalServerError","param":null,"code":500}}',
    'data: [DONE]',
    '',
  ])
  await common.close()
})
