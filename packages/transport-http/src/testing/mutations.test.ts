import fc from 'fast-check'
import { expect, test } from 'vitest'
import { defaultSettings, startServer } from './server.ts'

/** Mutated bodies of each kind. */
const runs = process.env['FULL'] ? 1000 : 200

const parameters = { type: 'object', properties: { a: { type: 'string' }, b: { enum: [1, 2] } }, required: ['a'] }
const bases = {
  '/v1/chat/completions': {
    model: 'my-model',
    messages: [
      { role: 'system', content: 'Be brief.' },
      {
        role: 'user',
        content: [
          { type: 'text', text: 'hello' },
          { type: 'image_url', image_url: { url: 'http://x' } },
        ],
      },
      {
        role: 'assistant',
        content: null,
        tool_calls: [{ id: '1', type: 'function', function: { name: 'f', arguments: '{}' } }],
      },
      { role: 'tool', tool_call_id: '1', content: 'ok' },
    ],
    tools: [{ type: 'function', function: { name: 'f', parameters } }],
    tool_choice: { type: 'function', function: { name: 'f' } },
    response_format: { type: 'json_schema', json_schema: { name: 'x', schema: parameters } },
    structured_outputs: null,
    guided_choice: null,
    max_tokens: 8,
    n: 1,
    logprobs: true,
    top_logprobs: 2,
    prompt_logprobs: 1,
    stop: ['x'],
    seed: 1,
    stream: false,
    stream_options: { include_usage: true },
    chat_template_kwargs: { enable_thinking: true },
    thinking_token_budget: 5,
    kv_transfer_params: { do_remote_decode: false },
    parallel_tool_calls: true,
  },
  '/v1/completions': {
    model: 'my-model',
    prompt: ['a', 'b'],
    max_tokens: 8,
    n: 1,
    echo: true,
    logprobs: 2,
    prompt_logprobs: 0,
    return_token_ids: true,
    stop: 'x',
    stream: false,
    structured_outputs: { regex: '[a-c]+' },
    cache_hit_threshold: 0.5,
    min_tokens: 1,
  },
} as const

type Json = null | boolean | number | string | Json[] | { [key: string]: Json }

const junk: fc.Arbitrary<Json> = fc.oneof(
  fc.constantFrom<Json>(
    null,
    true,
    -1,
    0,
    1,
    2_000_000,
    1e18,
    1e308,
    -1e18,
    0.5,
    '',
    'x',
    '(',
    '[',
    [],
    {},
    [null],
    [[]],
  ),
  fc.jsonValue({ maxDepth: 2 }) as fc.Arbitrary<Json>,
  fc.string({ unit: 'binary', maxLength: 40 }),
)

/** A copy of `value` in which the member at a random place is something else. */
function mutated(value: Json, path: readonly number[], replacement: Json): Json {
  const [step, ...rest] = path
  if (step === undefined || typeof value !== 'object' || value === null) return replacement
  if (Array.isArray(value)) {
    if (value.length === 0) return replacement
    return value.map((item, at) => (at === step % value.length ? mutated(item, rest, replacement) : item))
  }
  const keys = Object.keys(value)
  if (keys.length === 0) return replacement
  const key = keys[step % keys.length]!
  return { ...value, [key]: mutated(value[key]!, rest, replacement) }
}

const mutation = fc.record({ path: fc.array(fc.nat(1000), { minLength: 1, maxLength: 6 }), value: junk })

test.each(Object.keys(bases) as (keyof typeof bases)[])(
  'no mutated body of %s is answered with a 5xx or not at all',
  { timeout: 60_000 },
  async path => {
    const server = await startServer({
      engine: { maxModelLen: 300 },
      settings: {
        images: { draw: () => true, delay: { mean: 0, deviation: 0 } },
        toolCalls: defaultSettings.toolCalls,
      },
    })
    const statuses = new Map<number, number>()
    await fc.assert(
      fc.asyncProperty(fc.array(mutation, { minLength: 1, maxLength: 3 }), fc.boolean(), async (mutations, stream) => {
        let body = { ...bases[path], stream } as unknown as Json
        for (const one of mutations) body = mutated(body, one.path, one.value)
        const response = await server.post(path, body)
        const text = await response.text()
        statuses.set(response.status, (statuses.get(response.status) ?? 0) + 1)
        if (![200, 400, 404, 429].includes(response.status)) throw new Error(`${response.status} ${text}`)
        if (response.status !== 200) expect(JSON.parse(text).error.message).not.toBe('')
      }),
      { numRuns: runs, seed: 5 },
    )
    expect(statuses.get(200)).toBeGreaterThan(runs / 20)
    expect(statuses.get(400)).toBeGreaterThan(runs / 20)
    expect(server.engine.running).toBe(0)
    await server.close()
  },
)
