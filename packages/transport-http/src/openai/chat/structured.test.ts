import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chat, chatChunks, text } from '../../testing/answers.ts'
import { startServer, type TestServer } from '../../testing/server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer()
})
afterAll(() => server.close())

const person = {
  $defs: { Address: { type: 'object', properties: { city: { type: 'string' } }, required: ['city'] } },
  type: 'object',
  properties: {
    name: { type: 'string', minLength: 2 },
    age: { type: 'integer', minimum: 18, maximum: 99 },
    address: { $ref: '#/$defs/Address' },
    role: { enum: ['admin', 'user'] },
  },
  required: ['name', 'age', 'address', 'role'],
  additionalProperties: false,
}
const isPerson = new Ajv2020({ strict: false }).compile(person)
const jsonSchema = (schema: unknown) => ({ type: 'json_schema', json_schema: { name: 'answer', strict: true, schema } })

const content = async (body: object): Promise<string> => {
  const { choices } = await chat(server, body)
  expect(choices[0]!.finish_reason).toBe('stop')
  return choices[0]!.message.content!
}

test('a JSON schema', async () => {
  expect(isPerson(JSON.parse(await content({ response_format: jsonSchema(person) })))).toBe(true)
  expect(isPerson(JSON.parse(await content({ structured_outputs: { json: person } })))).toBe(true)
  expect(isPerson(JSON.parse(await content({ structured_outputs: { json: JSON.stringify(person) } })))).toBe(true)
  expect(isPerson(JSON.parse(await content({ guided_json: person })))).toBe(true)
})

test('some JSON object', async () => {
  for (const body of [
    { response_format: { type: 'json_object' } },
    { structured_outputs: { json_object: true } },
    { response_format: { type: 'json_schema', json_schema: { name: 'x' } } },
  ]) {
    expect(JSON.parse(await content(body))).toEqual(expect.any(Object))
  }
})

test('a pattern, choices, a grammar', async () => {
  expect(await content({ structured_outputs: { regex: '[a-c]{3}-\\d{2}' } })).toMatch(/^[a-c]{3}-\d{2}$/)
  expect(await content({ guided_regex: '(yes|no)!' })).toMatch(/^(yes|no)!$/)
  expect(['red', 'green']).toContain(await content({ structured_outputs: { choice: ['red', 'green'] } }))
  expect(['red', 'green']).toContain(await content({ guided_choice: ['red', 'green'] }))
  const grammar = 'root ::= "select " column " from t"\ncolumn ::= "a" | "b"'
  expect(await content({ structured_outputs: { grammar } })).toMatch(/^select [ab] from t$/)
})

test('ordinary text stays possible', async () => {
  expect(await content({ response_format: { type: 'text' }, max_tokens: 300, seed: 1 })).not.toMatch(/^\{/)
})

test('streamed pieces join to the same text', async () => {
  const body = { response_format: jsonSchema(person), seed: 5 }
  const chunks = await chatChunks(server, body)
  expect(chunks.map(chunk => chunk.choices[0]?.delta.content ?? '').join('')).toBe(await content(body))
  expect(chunks.at(-1)!.choices[0]).toMatchObject({ delta: {}, finish_reason: 'stop' })
})

test('a limit is met by a small text when there is one, and cuts otherwise', async () => {
  const schema = { type: 'object', properties: { a: { type: 'string' }, b: { type: 'string' } }, required: [] }
  for (let seed = 0; seed < 20; seed++) {
    const { choices } = await chat(server, { response_format: jsonSchema(schema), max_tokens: 2, seed })
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: '{}' } })
  }
  const { choices, usage } = await chat(server, { response_format: jsonSchema(person), max_tokens: 3 })
  expect(choices[0]!.finish_reason).toBe('length')
  expect(usage.completion_tokens).toBe(3)
  expect(choices[0]!.message.content).toMatch(/^\{/)
})

test('with tools either a call or the structure', async () => {
  const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }]
  const { choices } = await chat(server, { response_format: jsonSchema(person), tools, n: 30 })
  const called = choices.filter(({ finish_reason }) => finish_reason === 'tool_calls')
  expect(called.length).toBeGreaterThan(0)
  expect(called.length).toBeLessThan(30)
  for (const { message, finish_reason } of choices) {
    if (finish_reason === 'stop') expect(isPerson(JSON.parse(message.content!))).toBe(true)
  }
})

test('text completions too', async () => {
  const { choices } = await text(server, { prompt: ['a', 'b'], structured_outputs: { choice: ['x', 'y'] } })
  for (const choice of choices) {
    expect(['x', 'y']).toContain(choice.text)
    expect(choice.finish_reason).toBe('stop')
  }
})

describe('refusals', () => {
  test.each([
    [{ response_format: { type: 'json_schema' } }, /the 'json_schema' field must be provided/],
    [{ response_format: { type: 'xml' } }, /"xml" is not supported/],
    [{ structured_outputs: {} }, /You must use one kind of structured outputs constraint but none are specified/],
    [{ structured_outputs: { regex: 'a', choice: ['b'] } }, /multiple are specified/],
    [{ structured_outputs: { regex: 'a' }, response_format: { type: 'json_object' } }, /multiple are specified/],
    [{ structured_outputs: { choice: [] } }, /Choice '\[\]' cannot be an empty list/],
    [{ structured_outputs: { grammar: '' } }, /structured_outputs.grammar cannot be an empty string/],
    [{ structured_outputs: { regex: '(' } }, /structured_outputs cannot be fulfilled: /],
    [{ structured_outputs: { json: '{' } }, /structured_outputs.json is not JSON/],
    [{ structured_outputs: { structural_tag: {} } }, /not supported/],
    [{ response_format: jsonSchema({ type: 'integer', minimum: 3, maximum: 2 }) }, /cannot be fulfilled: /],
    [{ response_format: jsonSchema({ $ref: 'https://example.com/x.json' }) }, /cannot be fulfilled: /],
    [{ response_format: jsonSchema({ type: 'array', minItems: 5000 }) }, /1,?000 values/],
  ])('%j', async (body, reason) => {
    const response = await server.post('/v1/chat/completions', { model: 'my-model', messages: [], ...body })
    expect(response.status).toBe(400)
    expect(((await response.json()) as { error: { message: string } }).error.message).toMatch(reason)
  })
})
