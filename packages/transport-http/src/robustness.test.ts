import fc from 'fast-check'
import { afterAll, beforeAll, beforeEach, expect, test } from 'vitest'
import { validBodies } from './testing/bodies.ts'
import { oddTexts, oddValues, placesOf, replaceAt } from './testing/mutate.ts'
import { startServer, type TestServer } from './testing/server.ts'

/** Mutated bodies per endpoint and form of answer. */
const runs = process.env['FULL'] ? 120 : 24
/** An answer that takes longer is none, milliseconds. */
const limit = 60_000

let server: TestServer
const logged: unknown[] = []

beforeAll(async () => {
  server = await startServer()
  server.context.log.error = fields => logged.push(fields)
})
beforeEach(() => {
  logged.length = 0
})
afterAll(() => server.close())

/** Every endpoint with and without `stream`. */
const cases = validBodies.flatMap(({ path, streams, body }) =>
  streams
    ? [
        { path, body: { ...body, stream: false } },
        { path, body: { ...body, stream: true } },
      ]
    : [{ path, body }],
)

/** Sends a body and checks the answer's form. */
async function send(path: string, text: string): Promise<number> {
  const response = await fetch(server.url + path, { method: 'POST', body: text, signal: AbortSignal.timeout(limit) })
  const answer = await response.text()
  if (response.ok) {
    if (response.headers.get('content-type') === 'text/event-stream') {
      expect(answer).toMatch(/(data: \[DONE\]|"type":"message_stop"\}|"type":"response\.completed".*\})\n\n$/)
    } else JSON.parse(answer)
    return response.status
  }
  expect(response.status, answer).toBeLessThan(500)
  if (path.startsWith('/v1/messages')) {
    const error = { type: expect.stringMatching(/_error$/), message: expect.stringMatching(/./) }
    expect(JSON.parse(answer)).toEqual({ type: 'error', error, request_id: null })
    return response.status
  }
  expect(JSON.parse(answer)).toEqual({
    error: {
      message: expect.stringMatching(/./),
      type: expect.stringMatching(/Error$/),
      param: expect.toSatisfy(isParam),
      code: response.status,
    },
  })
  return response.status
}

const isParam = (param: unknown): boolean => param === null || typeof param === 'string'

async function expectHealthy(): Promise<void> {
  await new Promise<void>(resolve => server.engine.whenIdle(resolve))
  expect(server.engine.snapshot()).toMatchObject({ running: 0, waiting: 0 })
  expect((await fetch(`${server.url}/health`)).status).toBe(200)
  expect(logged).toEqual([])
}

test('every endpoint that reads a body is among them', async () => {
  const documented = await startServer({ api: { docs: true } })
  const { paths } = (await (await fetch(`${documented.url}/openapi.json`)).json()) as { paths: Record<string, object> }
  const bodyless = ['/ping', '/v1/responses/{response}/cancel']
  const read = Object.keys(paths).filter(path => 'post' in paths[path]!)
  expect([...new Set(cases.map(({ path }) => path)), ...bodyless].toSorted()).toEqual(
    read.map(path => path.replace(/\{\w+\}/, '{response}')).toSorted(),
  )
  await documented.close()
})

test.each(cases)('$path: the body that is mutated is valid ($body.stream)', async ({ path, body }) => {
  expect(await send(path, JSON.stringify(body))).toBe(200)
})

test.each(cases)('$path answers whatever is put into a member ($body.stream)', async ({ path, body }) => {
  const mutation = fc.record({ place: fc.constantFrom(...placesOf(body)), value: fc.constantFrom(...oddValues) })
  const mutated = fc
    .array(mutation, { minLength: 1, maxLength: 2 })
    .map(all => all.reduce<unknown>((value, { place, value: odd }) => safely(value, place, odd), body))
  await fc.assert(
    fc.asyncProperty(mutated, async value => {
      await send(path, JSON.stringify(value) ?? '')
    }),
    { numRuns: runs, endOnFailure: true },
  )
  await expectHealthy()
})

/** An earlier mutation may have taken the place away. */
function safely(value: unknown, place: readonly (string | number)[], odd: unknown): unknown {
  try {
    return replaceAt(value, place, odd)
  } catch {
    return value
  }
}

test.each(cases)('$path answers texts that are no valid body ($body.stream)', async ({ path, body }) => {
  for (const text of oddTexts(JSON.stringify(body))) await send(path, text)
  await expectHealthy()
})

test.each(cases)('$path answers any JSON and any bytes ($body.stream)', async ({ path }) => {
  await fc.assert(
    fc.asyncProperty(fc.oneof(fc.json(), fc.string({ unit: 'binary' })), async text => {
      await send(path, text)
    }),
    { numRuns: 20, endOnFailure: true },
  )
  await expectHealthy()
})

test('16,384 choices take no time that grows with their square', async () => {
  const wide = await startServer({ engine: { maxNumSeqs: 5, maxWaiting: 20_000 } })
  /** The least time on a processor that an answer took, in microseconds. */
  const cost = async (n: number, stream: boolean): Promise<number> => {
    const body = { model: 'my-model', messages: [{ role: 'user', content: 'hi' }], max_tokens: 2, n, stream }
    const begun = process.cpuUsage()
    await wide.post('/v1/chat/completions', body).then(async response => {
      expect([response.status, (await response.text()).length]).toEqual([200, expect.any(Number)])
    })
    const { user, system } = process.cpuUsage(begun)
    return user + system
  }
  for (const stream of [false, true]) {
    const few = Math.min(await cost(2048, stream), await cost(2048, stream))
    // Eight times as much, or 64 times.
    expect(await cost(16_384, stream)).toBeLessThan(24 * few)
  }
  await wide.close()
})

test('numbers without end: a refusal that says the limit', async () => {
  const post = async (body: object): Promise<string> => {
    const response = await server.post('/v1/chat/completions', { model: 'my-model', messages: [], ...body })
    expect(response.status).toBe(400)
    return ((await response.json()) as { error: { message: string } }).error.message
  }
  expect(await post({ n: 2_000_000 })).toContain('16384')
  expect(await post({ max_tokens: 1e18 })).toContain('maximum context length is 1024')
  expect(await post({ max_completion_tokens: 1e18, stream: true })).toContain('maximum context length is 1024')
})

test('an answer that n makes too long to be one text is refused as soon as it is, and no more is generated', async () => {
  let started = 0
  const observers = [{ onStarted: () => started++ }]
  const echo = await startServer({ settings: { echo: true }, engine: { maxNumSeqs: 5, observers } })
  echo.context.log.error = fields => logged.push(fields)
  const body = { model: 'my-model', messages: [{ role: 'user', content: 'x'.repeat(1_000_000) }], n: 1000 }
  for (const extra of [{}, { logprobs: true }]) {
    const response = await echo.post('/v1/chat/completions', { ...body, ...extra })
    expect(response.status).toBe(400)
    expect(await response.text()).toContain('too long to be sent whole')
    // Some have begun by the time that it is known, on a busy machine hundreds.
    expect(started).toBeLessThan(body.n)
    started = 0
  }
  expect(logged).toEqual([])
  await echo.close()
})
