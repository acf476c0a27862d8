import { afterAll, beforeAll, expect, test } from 'vitest'
import { startServer, type TestServer } from '../../testing/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ engine: { maxNumSeqs: 1000 } })
})
afterAll(() => server.close())

const long = { type: 'array', minItems: 999, items: { type: 'string', minLength: 100_000 } }
const refusal = async (body: object): Promise<string> => {
  const response = await server.post('/v1/chat/completions', { model: 'my-model', messages: [], ...body })
  expect(response.status).toBe(400)
  return ((await response.json()) as { error: { message: string } }).error.message
}
const tools = (count: number, parameters: (at: number) => object) =>
  Array.from({ length: count }, (_, at) => ({
    type: 'function',
    function: { name: `f${at}`, parameters: parameters(at) },
  }))

test('a thousand answers of 100 MB each are begun, and cut by max_tokens', async () => {
  const answer = await server.json<{ choices: { message: { content: string }; finish_reason: string }[] }>(
    '/v1/chat/completions',
    { model: 'my-model', messages: [], n: 1000, max_tokens: 5, structured_outputs: { json: long } },
  )
  expect(answer.choices).toHaveLength(1000)
  for (const { message, finish_reason } of answer.choices) {
    expect(message.content).toMatch(/^\["testing/)
    expect(finish_reason).toBe('length')
  }
})

test('arguments that no context holds are refused', async () => {
  const parameters = { type: 'object', properties: { a: { ...long, minItems: 900 } }, required: ['a'] }
  expect(await refusal({ tools: tools(1, () => parameters), tool_choice: 'required' })).toMatch(
    /"f0": arguments of at least \d+ characters are needed; at most 8192 fit into the context of 1024 tokens/,
  )
})

test('all tools of a request share its work, and what was too much for one is not remembered', async () => {
  const conditions = (at: number): object => ({
    type: 'object',
    allOf: Array.from({ length: 30 }, (_, i) => ({
      if: { required: [`k${at} ${i}`] },
      else: { properties: { z: { type: 'integer' } } },
    })),
  })
  expect(await refusal({ tools: tools(300, conditions) })).toMatch(/may take 50000 steps of work together/)
  const later = await server.post('/v1/chat/completions', {
    model: 'my-model',
    messages: [],
    tools: tools(20, conditions).slice(-1),
  })
  expect(later.status).toBe(200)
})

test('a const that fills gigabytes when it is repeated is no failure of the server', async () => {
  const json = { type: 'array', minItems: 999, items: { const: 'x'.repeat(2_000_000) } }
  const { choices } = await server.json<{ choices: { message: { content: string } }[] }>('/v1/chat/completions', {
    model: 'my-model',
    messages: [],
    max_tokens: 3,
    structured_outputs: { json },
  })
  expect(choices[0]!.message.content).toMatch(/^\["x*$/)
})
