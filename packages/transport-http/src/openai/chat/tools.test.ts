import { Ajv2020 } from 'ajv/dist/2020.js'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { chat, chatChunks, joinToolCalls } from '../../testing/answers.ts'
import { defaultSettings, startServer, type TestServer } from '../../testing/server.ts'

const weather = {
  type: 'function',
  function: {
    name: 'get_weather',
    description: 'The weather of a place',
    parameters: {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      type: 'object',
      properties: { location: { type: 'string' }, unit: { enum: ['C', 'F'] }, days: { type: 'integer', maximum: 7 } },
      required: ['location'],
      additionalProperties: false,
    },
  },
}
const named = (name: string) => ({
  type: 'function',
  function: { name, parameters: { type: 'object', properties: {} } },
})
const five = ['a', 'b', 'c', 'd', 'e'].map(named)

let server: TestServer
let extraCallPercent = 45
beforeAll(async () => {
  server = await startServer({
    settings: {
      get toolCalls() {
        return { ...defaultSettings.toolCalls, extraCallPercent }
      },
    },
  })
})
afterAll(() => server.close())

const valid = new Ajv2020({ strict: false }).compile(weather.function.parameters)

test('a call has an id, valid arguments and its price in tokens', async () => {
  const answer = await chat(server, { tools: [weather], tool_choice: 'required' })
  const { message, finish_reason, logprobs } = answer.choices[0]!
  expect(finish_reason).toBe('tool_calls')
  expect(message.content).toBeNull()
  expect(logprobs).toBeNull()
  expect(message.tool_calls).toHaveLength(1)
  const call = message.tool_calls![0]!
  expect(call.id).toMatch(/^chatcmpl-tool-\d{10}$/)
  expect(call.function.name).toBe('get_weather')
  expect(valid(JSON.parse(call.function.arguments))).toBe(true)
  const argumentTokens = server.context.outputTokens(call.function.arguments).length
  expect(answer.usage.completion_tokens).toBe(argumentTokens + 3)
})

test('streamed pieces join to the arguments; the reason rides on the last one', async () => {
  const body = {
    tools: [weather, named('now')],
    tool_choice: 'required',
    seed: 7,
    stream_options: { include_usage: true },
  }
  extraCallPercent = 100
  const whole = await chat(server, body)
  const chunks = await chatChunks(server, body)
  extraCallPercent = 45
  expect(joinToolCalls(chunks)).toEqual(whole.choices[0]!.message.tool_calls)
  expect(whole.choices[0]!.message.tool_calls).toHaveLength(2)
  expect(chunks[0]!.choices[0]!.delta).toEqual({ role: 'assistant' })
  const last = chunks.at(-2)!
  expect(last.choices[0]!.finish_reason).toBe('tool_calls')
  expect(last.choices[0]!.delta.tool_calls).toHaveLength(1)
  expect(chunks.at(-1)!.choices).toEqual([])
  expect(chunks.at(-1)!.usage).toEqual(whole.usage)
  // The role, one chunk per argument token, the usage.
  expect(chunks).toHaveLength(whole.usage.completion_tokens - 2 * 3 + 2)
})

test('neither max_tokens nor stop cut a call', async () => {
  const answer = await chat(server, { tools: [weather], tool_choice: 'required', max_tokens: 1, stop: ['"', '{'] })
  expect(valid(JSON.parse(answer.choices[0]!.message.tool_calls![0]!.function.arguments))).toBe(true)
  expect(answer.choices[0]!.finish_reason).toBe('tool_calls')
})

test('each choice decides for itself', async () => {
  const chunks = await chatChunks(server, { tools: [weather], n: 24, max_tokens: 5 })
  const calling = Array.from({ length: 24 }, (_, index) => joinToolCalls(chunks, index).length > 0)
  expect(new Set(calling)).toEqual(new Set([true, false]))
  for (const { choices } of chunks) {
    for (const { index, finish_reason } of choices) {
      if (finish_reason !== null) expect(finish_reason === 'tool_calls').toBe(calling[index])
    }
  }
})

describe('choice', () => {
  const calls = async (body: object): Promise<string[]> => {
    const { choices } = await chat(server, { tools: five, max_tokens: 4, ...body })
    return (choices[0]!.message.tool_calls ?? []).map(call => call.function.name)
  }

  test('none calls nothing, required at least one', async () => {
    extraCallPercent = 100
    expect(await calls({ tool_choice: 'none' })).toEqual([])
    expect(await calls({ tool_choice: 'required' })).toHaveLength(5)
    expect(await calls({ tool_choice: 'auto' })).toHaveLength(5)
    expect(await calls({})).toHaveLength(5)
    extraCallPercent = 0
    expect(await calls({ tool_choice: 'required' })).toHaveLength(1)
    expect(await calls({ tool_choice: 'auto' })).toEqual([])
    extraCallPercent = 45
  })

  test('a named function is called once, in both forms', async () => {
    extraCallPercent = 100
    expect(await calls({ tool_choice: { type: 'function', function: { name: 'c' } } })).toEqual(['c'])
    expect(await calls({ tool_choice: { type: 'function', name: 'd' } })).toEqual(['d'])
    extraCallPercent = 45
  })

  test('allowed tools limit the calls', async () => {
    const tools = [{ type: 'function', function: { name: 'b' } }]
    extraCallPercent = 100
    const allowed = { type: 'allowed_tools', allowed_tools: { mode: 'auto', tools } }
    expect(await calls({ tool_choice: allowed })).toEqual(['b'])
    extraCallPercent = 0
    const required = { type: 'allowed_tools', allowed_tools: { mode: 'required', tools } }
    expect(await calls({ tool_choice: required })).toEqual(['b'])
    extraCallPercent = 45
  })

  test('without parallel calls only the first is kept', async () => {
    extraCallPercent = 100
    expect(await calls({ tool_choice: 'required', parallel_tool_calls: false })).toHaveLength(1)
    extraCallPercent = 45
  })

  test('custom and other strings act as auto, null and no tools as nothing', async () => {
    extraCallPercent = 0
    expect(await calls({ tool_choice: { type: 'custom', custom: { name: 'a' } } })).toEqual([])
    expect(await calls({ tool_choice: 'whatever' })).toEqual([])
    expect(await calls({ tool_choice: null })).toEqual([])
    expect(await calls({ tools: [], tool_choice: 'required' })).toEqual([])
    expect(await calls({ tools: undefined, tool_choice: { type: 'function', function: { name: 'x' } } })).toEqual([])
    extraCallPercent = 45
  })

  test('numbers of calls follow the probability', async () => {
    const { choices } = await chat(server, { tools: five, tool_choice: 'required', n: 1000 }, {})
    const counts = [0, 0, 0, 0, 0, 0]
    for (const { message } of choices) counts[message.tool_calls!.length]!++
    expect(counts[0]).toBe(0)
    expect(counts[1]! / 1000).toBeGreaterThan(0.49)
    expect(counts[1]! / 1000).toBeLessThan(0.61)
    expect(counts[5]! / 1000).toBeGreaterThan(0.015)
    expect(counts[5]! / 1000).toBeLessThan(0.075)
  })
})

describe('refusals', () => {
  const refused = async (body: object): Promise<{ message: string; param: string | null }> => {
    const response = await server.post('/v1/chat/completions', { model: 'my-model', messages: [], ...body })
    expect(response.status).toBe(400)
    return ((await response.json()) as { error: { message: string; param: string | null } }).error
  }

  test.each([
    [{ type: 'function', function: { name: 'f' } }, /no.* parameters|parameters is missing/],
    [{ type: 'function', function: { name: 'f', parameters: {} } }, /empty/],
    [{ type: 'function', function: { name: 'f', parameters: { type: 'nonsense' } } }, /nonsense|type/],
    [{ type: 'custom', custom: { name: 'f' } }, /parameters/],
    [{ type: 'function', function: { name: 'f', parameters: { type: 'object', not: {} } } }, /f/],
  ])('tool %j', async (tool, reason) => {
    const { message, param } = await refused({ tools: [tool] })
    expect(message).toMatch(/^Tool validation failed: /)
    expect(message).toMatch(reason)
    expect(param).toBeNull()
  })

  test('a function that is not there', async () => {
    const error = await refused({ tools: five, tool_choice: { type: 'function', function: { name: 'zz' } } })
    expect(error.message).toMatch(
      /^failed to create response for chat completion request \(req id test-\d+\) tool with name 'zz' requested in tool_choice but not found in the tools list$/,
    )
  })

  test.each([
    [{ type: 'function' }, 'tool_choice function requires a name'],
    [{ type: 'tool' }, 'unknown ToolChoice type: tool'],
  ])('tool_choice %j', async (choice, detail) => {
    const { message } = await refused({ tools: five, tool_choice: choice })
    expect(message).toBe(`Failed to read and parse request body, ${detail}`)
  })

  test('a schema that requires itself without end, and one that is too big, at once', async () => {
    const self = {
      type: 'object',
      properties: { next: { $ref: '#' } },
      required: ['next'],
    }
    const big = {
      type: 'object',
      properties: { list: { type: 'array', minItems: 2000, items: { type: 'integer' } } },
      required: ['list'],
    }
    for (const parameters of [self, big]) {
      const tools = [{ type: 'function', function: { name: 'f', parameters } }]
      expect((await refused({ tools })).message).toMatch(/^Tool validation failed: tool "f": ./)
    }
  })
})

test('without the check a tool needs no parameters', async () => {
  const lenient = await startServer({
    settings: { toolCalls: { ...defaultSettings.toolCalls, skipValidation: true } },
  })
  const tools = [{ type: 'function', function: { name: 'f' } }]
  const answer = await chat(lenient, { tools, tool_choice: 'required' })
  expect(answer.choices[0]!.message.tool_calls![0]!.function).toEqual({ name: 'f', arguments: '{}' })
  await lenient.close()
})

test('equal requests repeat with a seed, other tools change the answer', async () => {
  const first = await chat(server, { tools: [weather], tool_choice: 'required', seed: 3 })
  const again = await chat(server, { tools: [weather], tool_choice: 'required', seed: 3 })
  const other = await chat(server, { tools: [weather, named('x')], tool_choice: 'required', seed: 3 })
  expect(again.choices).toEqual(first.choices)
  expect(other.choices[0]!.message.tool_calls![0]!.id).not.toBe(first.choices[0]!.message.tool_calls![0]!.id)
})
