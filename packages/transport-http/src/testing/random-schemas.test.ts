import { Ajv2020 } from 'ajv/dist/2020.js'
import fc from 'fast-check'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { chat, chatChunks, joinToolCalls } from './answers.ts'
import { type JsonSchema, objectSchemas } from './schemas.ts'
import { startServer, type TestServer } from './server.ts'

let server: TestServer
beforeAll(async () => {
  server = await startServer({ engine: { maxModelLen: 100_000 } })
})
afterAll(() => server.close())

/** Schemas for each test. */
const count = process.env['FULL'] ? 500 : 100
const schemas = fc.sample(objectSchemas, { numRuns: 2 * count, seed: 20_261_124 })

// Names such as `valueOf` are ordinary in JSON. `nullable` is OpenAPI's; Ajv takes it beside `type`.
const ajv = new Ajv2020({ strict: false, ownProperties: true, validateSchema: false, code: { optimize: false } })

/** Throws when a text is not JSON that the schema accepts. */
function verify(schema: JsonSchema, text: string): void {
  const validate = ajv.compile(schema)
  if (validate(JSON.parse(text))) return
  throw new Error(`${text} is not valid: ${JSON.stringify(validate.errors)} for ${JSON.stringify(schema)}`)
}

test('arguments for random schemas are all valid, streamed ones too', async () => {
  let checked = 0
  for (const [at, parameters] of schemas.slice(0, count).entries()) {
    const body = {
      tools: [{ type: 'function', function: { name: 'f', parameters } }],
      tool_choice: 'required',
      seed: at,
    }
    const calls =
      at % 2 === 0
        ? (await chat(server, body)).choices[0]!.message.tool_calls!
        : joinToolCalls(await chatChunks(server, body))
    for (const call of calls) verify(parameters, call.function.arguments)
    checked += calls.length
  }
  expect(checked).toBe(count)
})

test('structured texts for random schemas are all valid, streamed ones too', async () => {
  for (const [at, schema] of schemas.slice(count).entries()) {
    const body = { response_format: { type: 'json_schema', json_schema: { name: 'x', schema } }, seed: at }
    if (at % 2 === 0) {
      const { choices } = await chat(server, body)
      expect(choices[0]!.finish_reason).toBe('stop')
      verify(schema, choices[0]!.message.content!)
    } else {
      const chunks = await chatChunks(server, body)
      verify(schema, chunks.map(chunk => chunk.choices[0]?.delta.content ?? '').join(''))
    }
  }
})
