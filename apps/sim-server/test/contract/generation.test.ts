import { describe, expect, test } from 'vitest'
import {
  type Body,
  contractServer,
  type Frame,
  generation,
  generationPaths,
  messages,
  prompt,
} from './contract-server.ts'

// What is answered in random mode, with tools, images and as an encoder.

const sentences = [
  'Testing@, #testing 1$ ,2%,3^, [4&*5], 6~, 7-_ + (8 : 9) / \\ < > . ',
  'Testing, testing 1,2,3. ',
  'I am fine, how are you today? ',
  'I am your AI assistant, how can I help you today? ',
  'Today is a nice sunny day. ',
  'The temperature here is twenty-five degrees centigrade. ',
  'Today it is partially cloudy and raining. ',
  'To be or not to be that is the question. ',
  'Alas, poor Yorick! I knew him, Horatio: A fellow of infinite jest ',
  'The rest is silence. ',
  'Give a man a fish and you feed him for a day; teach a man to fish and you feed him for a lifetime ',
]

/** Whether a text is whole preset sentences and the beginning of one. */
function isPreset(text: string): boolean {
  if (sentences.some(one => one.startsWith(text))) return true
  return sentences.some(one => text.startsWith(one) && isPreset(text.slice(one.length)))
}

const options = ['--seed', '100', '--max-num-seqs', '64']

describe('random text', () => {
  const server = contractServer(options)
  const second = contractServer(options)
  const text = async (more: object, on = server): Promise<Body> =>
    (await on.post('/v1/completions', { model: 'm', prompt, ...more })).json

  test('is made of the preset sentences, as many tokens as usage says', async () => {
    const answers = await Promise.all(Array.from({ length: 30 }, (_, at) => text({ max_tokens: at * 5 + 1 })))
    for (const [at, { choices, usage }] of answers.entries()) {
      const { count } = (await server.post('/tokenize', { prompt: choices[0].text })).json
      expect(isPreset(choices[0].text), choices[0].text).toBe(true)
      expect(usage.completion_tokens).toBe(count)
      expect(usage.completion_tokens).toBeLessThanOrEqual(at * 5 + 1)
      expect(choices[0].finish_reason).toBe(usage.completion_tokens === at * 5 + 1 ? 'length' : 'stop')
    }
  })

  test('one token ends by length; ignore_eos means exactly the limit, on every endpoint', async () => {
    expect(await text({ max_tokens: 1 })).toMatchObject({
      choices: [{ finish_reason: 'length' }],
      usage: { completion_tokens: 1 },
    })
    expect(await text({ max_tokens: 42, ignore_eos: true })).toMatchObject({
      choices: [{ finish_reason: 'length' }],
      usage: { completion_tokens: 42 },
    })
    const limits = { ignore_eos: true, max_tokens: 42, max_output_tokens: 42, sampling_params: { max_tokens: 42 } }
    const counts = await Promise.all(
      generationPaths.map(async path => {
        const { usage, choices } = (await server.post(path, { ...generation[path], ...limits })).json
        return choices?.[0].token_ids?.length ?? usage.completion_tokens ?? usage.output_tokens
      }),
    )
    expect(counts).toEqual([42, 42, 42, 42, 42])
  })

  test('lengths under a limit follow the histogram, without one they are near forty', async () => {
    const { choices } = await text({ max_tokens: 500, n: 60, prompt: [1, 2] })
    const lengths = await Promise.all(
      choices.map(async (one: Body) => (await server.post('/tokenize', { prompt: one.text })).json.count),
    )
    expect(Math.max(...lengths)).toBeLessThanOrEqual(500)
    // 15 % each: none among 60 has a chance of 1 in 17,000.
    expect(choices.filter((one: Body) => one.finish_reason === 'length').length).toBeGreaterThan(0)
    const short = lengths.filter(one => one <= 60).length
    expect(short).toBeGreaterThan(60 * 0.45)

    const free = await text({ n: 60, prompt: [3, 4] })
    expect(free.usage.completion_tokens / 60).toBeGreaterThan(30)
    expect(free.usage.completion_tokens / 60).toBeLessThan(55)
  })

  test('equal seeds and requests give equal answers, choices and seeds of a request differ', async () => {
    const body = { max_tokens: 10, prompt: 'the same', ignore_eos: true }
    const [first, other] = await Promise.all([text(body), text(body, second)])
    expect(other.choices).toEqual(first.choices)
    const texts = (await text({ ...body, max_tokens: 40, n: 8 })).choices.map((one: Body) => one.text)
    expect(new Set(texts).size).toBeGreaterThan(1)
    const seeded = await Promise.all([1, 1, 2].map(seed => text({ ...body, max_tokens: 40, seed })))
    expect(seeded[1]!.choices).toEqual(seeded[0]!.choices)
    expect(seeded[2]!.choices).not.toEqual(seeded[0]!.choices)
  })

  test('streamed and whole answers are the same, token by token', async () => {
    const body = { model: 'm', prompt, max_tokens: 30, seed: 7 }
    const whole = await text(body)
    const list = await server.stream('/v1/completions', body)
    const chunks = list.flatMap(frame => frame.data.choices ?? []).filter((one: Body) => one.text !== '')
    expect(chunks.map((one: Body) => one.text).join('')).toBe(whole.choices[0].text)
    expect(chunks).toHaveLength(whole.usage.completion_tokens)
  })
})

describe('vectors of the simulated tokenizer', () => {
  const server = contractServer(['--seed', '42', '--default-embedding-dimensions', '6'])

  test.each([
    ['Hello world!', [2871118705, 933488787, 604802540]],
    [
      "I hear it's very cold.",
      [2062099468, 3265900095, 1194886160, 571247302, 4149321222, 1809349267, 3930381583, 722245873],
    ],
    [prompt, [3157421587, 1477013615, 186949092, 2949673445, 722245873]],
    ['a_b _ab __ x-y', [3570415491, 3658226030, 1531465566, 3658226030, 2399917514, 4245442695, 671913016, 4228665076]],
    ['line1\nline2\r\n\tx', [2811139192, 2532275255, 4245442695]],
    [
      '{"location":"Boston"}',
      [4262220314, 655135397, 200649126, 655135397, 1057798253, 655135397, 3694567748, 655135397, 4161554600],
    ],
    ['', []],
  ])('%j', async (text, tokens) => {
    expect((await server.post('/tokenize', { model: 'm', prompt: text })).json).toMatchObject({
      max_model_len: 1024,
      count: tokens.length,
      tokens,
    })
  })

  test('conversations', async () => {
    const ids = async (messages: object[]): Promise<number[]> =>
      (await server.post('/tokenize', { messages })).json.tokens
    expect(await ids([{ role: 'user', content: 'Hello' }])).toEqual([
      638357778, 638357778, 399020470, 1618501362, 2382766391, 2166458707,
    ])
    const [user, assistant, again] = [
      { role: 'user', content: 'q1' },
      { role: 'assistant', content: 'a1' },
      { role: 'user', content: 'q2' },
    ] as const
    expect(await ids([user])).toEqual([638357778, 638357778, 399020470, 1618501362, 2382766391, 2844342823])
    const three = await ids([user, assistant, again])
    expect(three).toHaveLength(18)
    expect(three).toEqual(expect.arrayContaining([3007765287, 4207851607, 3213597536]))
    expect((await server.post('/tokenize', {})).json).toMatchObject({ count: 0, tokens: [] })
  })

  test('render', async () => {
    const render = async (path: string, body: object): Promise<Body> =>
      (await server.post(`/v1/${path}/render`, { model: 'm', ...body })).json
    expect(await render('completions', { prompt: 'Hello world' })).toMatchObject([
      { token_ids: [2871118705, 933488787] },
    ])
    expect(await render('completions', { prompt: ['Hello world', 'x'] })).toHaveLength(2)
    expect(await render('completions', { prompt: [5, 6] })).toMatchObject([{ token_ids: [5, 6] }])
    expect((await render('chat/completions', { messages })).token_ids).toHaveLength(10)
    const image = { type: 'image_url', image_url: { url: 'http://x/a.jpg' } }
    const parts = await render('chat/completions', {
      messages: [{ role: 'user', content: [{ type: 'text', text: 'describe' }, image] }],
    })
    expect(parts.token_ids).toHaveLength(17)
    expect(parts.features).toMatchObject({
      mm_hashes: { image: ['sim_img_0_98463ad0'] },
      mm_placeholders: { image: [{ offset: 0, length: 17 }] },
      kwargs_data: { image: ['c2ltX2ltZ18wXzk4NDYzYWQw'] },
    })
    const audio = { type: 'input_audio', input_audio: { data: 'data', format: 'wav' } }
    const video = { type: 'video_url', video_url: { url: 'http://x/v.mp4' } }
    const more = await render('chat/completions', { messages: [{ role: 'user', content: [audio, video] }] })
    expect(more.features.mm_hashes).toEqual({ audio: ['sim_audio_0_d872e2a5'], video: ['sim_video_0_2747c345'] })
    expect(more.features.kwargs_data.audio).toEqual(['c2ltX2F1ZGlvXzBfZDg3MmUyYTU='])
  })

  test('embeddings', async () => {
    const embed = async (body: object): Promise<Body> => (await server.post('/v1/embeddings', body)).json
    // Numbers may be printed as short as a float32 allows.
    const vector = async (body: object): Promise<number[]> => (await embed(body)).data[0].embedding.map(Math.fround)
    const first = { model: 'm', input: [1, 2, 3], dimensions: 3 }
    expect(await embed(first)).toMatchObject({
      object: 'list',
      model: 'm',
      data: [{ object: 'embedding', index: 0, embedding: expect.any(Array) }],
      usage: { prompt_tokens: 3, total_tokens: 3 },
    })
    expect(await vector(first)).toEqual([-0.998046875, -0.99609375, -0.994140625])
    const coded = await embed({ input: [1, 2, 3], dimensions: 4, encoding_format: 'base64' })
    expect(coded.data[0].embedding).toBe('AIB/vwAAf78AgH6/AAB+vw==')
    expect(coded.model).toBe('m')
    // The ids come again, modulo 256, beyond their number.
    expect(await vector({ input: [300], dimensions: 2 })).toEqual([(2 * 300) / 1024 - 1, (2 * 44) / 256 - 1])
    expect(await vector({ input: 'Hello world', dimensions: 2 })).toEqual([
      (2 * (2871118705 % 1024)) / 1024 - 1,
      (2 * (933488787 % 1024)) / 1024 - 1,
    ])
    const several = await embed({ model: '', input: ['a', 'b c'] })
    expect(several.data.map((one: Body) => [one.index, one.embedding.length])).toEqual([
      [0, 6],
      [1, 6],
    ])
    expect(several.usage).toEqual(expect.objectContaining({ prompt_tokens: 3, total_tokens: 3 }))
    expect((await embed({ input: [[1, 2], [3]], dimensions: 1 })).data).toHaveLength(2)
    expect(await vector({ input: [1.7, -2], dimensions: 3 })).toEqual([2 / 1024 - 1, -1, 2 / 256 - 1])
    expect((await embed({ input: [[]], dimensions: 2 })).data[0].embedding).toEqual([0, 0])
  })
})

test('ids of the specification need its seed and port', async () => {
  const { idSource } = await import('../../src/assemble/ids.ts')
  const next = idSource(42n, 8000)
  expect([next(), next(), next()]).toEqual([
    'cda04074-6efd-5c7c-a13c-725a8b68df45',
    'e4059423-e80a-5ae9-907a-9bcb0ef160bc',
    'ad9b59b1-5511-5fb1-b834-4b254ec71bd9',
  ])
})

describe('tools', () => {
  const never = contractServer([...options, '--tool-call-extra-call-probability', '0'])
  const always = contractServer([
    ...options,
    ...['--tool-call-extra-call-probability', '100', '--tool-call-not-required-param-probability', '0'],
    ...['--min-tool-call-integer-param', '7', '--max-tool-call-integer-param', '9'],
    ...['--min-tool-call-number-param', '1', '--max-tool-call-number-param', '2'],
    ...['--min-tool-call-array-param-length', '2', '--max-tool-call-array-param-length', '3'],
  ])

  const parameters = {
    type: 'object',
    properties: { location: { type: 'string', enum: ['Boston'] }, unit: { type: 'string' } },
    required: ['location'],
  }
  const tool = (name: string, schema: object = parameters): object => ({
    type: 'function',
    function: { name, description: 'd', parameters: schema },
  })
  const chat = async (more: object, on = never): Promise<Body> =>
    (await on.post('/v1/chat/completions', { model: 'm', messages, ...more })).json

  test('whether and how many', async () => {
    const calls = async (more: object, on = never): Promise<number> => {
      const { choices } = await chat(more, on)
      const calls = choices[0].message.tool_calls?.length ?? 0
      expect(choices[0].finish_reason === 'tool_calls').toBe(calls > 0)
      return calls
    }
    const tools = ['a', 'b', 'c'].map(name => tool(name))
    expect(await calls({ tools })).toBe(0)
    expect(await calls({ tools, tool_choice: 'required' })).toBe(1)
    expect(await calls({ tools }, always)).toBe(3)
    expect(await calls({ tools, tool_choice: 'required' }, always)).toBe(3)
    expect(await calls({ tools, tool_choice: 'none' }, always)).toBe(0)
    expect(await calls({ tool_choice: 'required' }, always)).toBe(0)
    expect(await calls({ tools: [], tool_choice: 'auto' }, always)).toBe(0)
    for (const forced of [
      { type: 'function', function: { name: 'b' } },
      { type: 'function', name: 'b' },
    ]) {
      const { choices } = await chat({ tools, tool_choice: forced }, always)
      expect(choices[0].message.tool_calls.map((one: Body) => one.function.name)).toEqual(['b'])
      expect(choices[0].finish_reason).toBe('tool_calls')
    }
  })

  test('a call, whole and streamed', async () => {
    const only = { ...parameters, properties: { location: parameters.properties.location } }
    const body = { tools: [tool('get_weather', only)], tool_choice: 'required', max_tokens: 1, seed: 3 }
    const { choices, usage } = await chat(body)
    expect(choices[0]).toMatchObject({
      index: 0,
      finish_reason: 'tool_calls',
      message: {
        role: 'assistant',
        tool_calls: [
          {
            id: expect.stringMatching(/^chatcmpl-tool-\d{10}$/),
            type: 'function',
            index: 0,
            function: { name: 'get_weather', arguments: '{"location":"Boston"}' },
          },
        ],
      },
    })
    expect(choices[0].message.content ?? null).toBeNull()
    expect(usage.completion_tokens).toBe(12)

    const list = await never.stream('/v1/chat/completions', { model: 'm', messages, ...body })
    const chunks = list.slice(0, -1).map(frame => frame.data.choices[0])
    expect(chunks[0].delta).toEqual({ role: 'assistant' })
    const calls = chunks.slice(1).map((one: Body) => one.delta.tool_calls[0])
    expect(calls.map((one: Body) => one.function.arguments)).toEqual([
      '{',
      '"',
      'location',
      '"',
      ':',
      '"',
      'Boston',
      '"',
      '}',
    ])
    expect(new Set(calls.map((one: Body) => `${one.id} ${one.type} ${one.index}`)).size).toBe(1)
    expect(calls.map((one: Body) => one.function.name ?? null)).toEqual(['get_weather', ...Array(8).fill(null)])
    expect(chunks.map((one: Body) => one.finish_reason)).toEqual([...Array(9).fill(null), 'tool_calls'])
  })

  test('several streamed calls have one reason, at the very end', async () => {
    const tools = ['a', 'b', 'c'].map(name => tool(name))
    const list = await always.stream('/v1/chat/completions', { model: 'm', messages, tools })
    const chunks = list.slice(0, -1).map(frame => frame.data.choices[0])
    expect(chunks.filter((one: Body) => one.finish_reason).length).toBe(1)
    expect(chunks.at(-1).finish_reason).toBe('tool_calls')
    const joined = ['', '', '']
    for (const { delta } of chunks)
      for (const call of delta.tool_calls ?? []) joined[call.index] += call.function.arguments
    for (const one of joined) expect(JSON.parse(one)).toEqual({ location: 'Boston' })
  })

  test('values come from the ranges of the options and the schema', async () => {
    const schema = {
      type: 'object',
      properties: {
        count: { type: 'integer' },
        ratio: { type: 'number' },
        word: { type: 'string' },
        flag: { type: 'boolean' },
        nothing: { type: 'null' },
        list: { type: 'array', items: { type: 'integer' } },
        long: { type: 'array', items: { type: 'string' }, minItems: 10 },
        optional: { type: 'string' },
        level: { type: 'number', enum: [1.5, 2.5] },
      },
      required: ['count', 'ratio', 'word', 'flag', 'nothing', 'list', 'long', 'level'],
    }
    for (let at = 0; at < 10; at++) {
      const { choices } = await chat({ tools: [tool('f', schema)], tool_choice: 'required' }, always)
      const values = JSON.parse(choices[0].message.tool_calls[0].function.arguments)
      expect(values).toEqual({
        count: expect.any(Number),
        ratio: expect.any(Number),
        word: expect.toBeOneOf(
          'testing hello Boston sunny temperature cloudy question Yorick silence lifetime'.split(' '),
        ),
        flag: expect.any(Boolean),
        nothing: null,
        list: expect.any(Array),
        long: expect.any(Array),
        level: expect.toBeOneOf([1.5, 2.5]),
      })
      expect([7, 8, 9]).toContain(values.count)
      expect(values.ratio).toBeGreaterThanOrEqual(1)
      expect(values.ratio).toBeLessThan(2)
      expect([2, 3]).toContain(values.list.length)
      expect(values.long.length).toBeGreaterThanOrEqual(10)
    }
  })

  test('a forced function that is not there', async () => {
    const tools = [tool('f')]
    const reply = await never.post('/v1/chat/completions', {
      ...{ model: 'm', messages, tools },
      tool_choice: { type: 'function', function: { name: 'g' } },
    })
    expect(reply.status).toBe(400)
    expect(reply.json.error.message).toMatch(
      /^failed to create response for chat completion request.* tool with name 'g' requested in tool_choice but not found in the tools list$/,
    )
  })

  test('definitions that cannot be used are refused; ordinary ones of SDKs are not', async () => {
    for (const schema of [{}, { type: 'nonsense' }, { type: 'object', properties: { a: { type: 'bogus' } } }]) {
      const reply = await never.post('/v1/chat/completions', { model: 'm', messages, tools: [tool('f', schema)] })
      expect([reply.status, reply.json.error.message]).toEqual([
        400,
        expect.stringMatching(/^Tool validation failed: ./),
      ])
    }
    const schema = {
      $schema: 'https://json-schema.org/draft/2020-12/schema',
      $comment: 'x',
      type: 'object',
      properties: { a: { $ref: '#/$defs/A' }, b: { type: ['string', 'null'] }, c: { anyOf: [{ type: 'integer' }] } },
      required: ['a', 'b', 'c'],
      $defs: { A: { type: 'string', const: 'x' } },
      additionalProperties: false,
    }
    const strict = { type: 'function', function: { name: 'f', strict: true, parameters: schema } }
    const { choices } = await chat({ tools: [strict], tool_choice: 'required' })
    expect(JSON.parse(choices[0].message.tool_calls[0].function.arguments)).toMatchObject({ a: 'x' })
  })

  test('messages', async () => {
    const tools = [{ name: 'get_weather', input_schema: { ...parameters, required: ['location', 'unit'] } }]
    const body = { model: 'm', max_tokens: 5, messages, tools, tool_choice: { type: 'any' } }
    const { json } = await never.post('/v1/messages', body)
    expect(json).toMatchObject({
      stop_reason: 'tool_use',
      content: [
        {
          type: 'tool_use',
          id: expect.stringMatching(/^toolu_\d{10}$/),
          name: 'get_weather',
          input: { location: 'Boston', unit: expect.any(String) },
        },
      ],
    })
    const list = await never.stream('/v1/messages', body)
    const start = list.find(frame => frame.event === 'content_block_start')!.data
    expect(start).toMatchObject({ index: 0, content_block: { type: 'tool_use', name: 'get_weather', input: {} } })
    const deltas = list.filter(frame => frame.event === 'content_block_delta').map(frame => frame.data.delta)
    for (const delta of deltas) expect(delta.type).toBe('input_json_delta')
    expect(JSON.parse(deltas.map(one => one.partial_json).join(''))).toMatchObject({ location: 'Boston' })
    const order = list.map(frame => frame.event).filter((one, at, all) => one !== all[at - 1])
    expect(order.slice(-3)).toEqual(['content_block_stop', 'message_delta', 'message_stop'])
    expect(list.at(-2)!.data.delta.stop_reason).toBe('tool_use')

    const both = [...tools, { name: 'now', input_schema: { type: 'object', properties: {} } }]
    const several = await always.stream('/v1/messages', { ...body, tools: both })
    const marks = (list: Frame[]): string[] =>
      list.flatMap(({ data }) =>
        /_(start|stop)$/.test(data.type) && 'index' in data ? `${data.type.slice(14)} ${data.index}` : [],
      )
    expect(marks(several)).toEqual(['start 0', 'stop 0', 'start 1', 'stop 1'])
    for (const [choice, reason] of [
      [{ type: 'none' }, 'text'],
      [{ type: 'tool', name: 'now' }, 'tool_use'],
    ] as const) {
      const reply = await always.post('/v1/messages', { ...body, tools: both, tool_choice: choice })
      expect(reply.json.content.map((one: Body) => one.type)).toEqual([reason])
    }
  })

  test('responses call until they have an output', async () => {
    const flat = { type: 'function', name: 'get_weather', parameters }
    const output = async (more: object): Promise<Body[]> =>
      (await never.post('/v1/responses', { model: 'm', input: 'x', tools: [flat], ...more })).json.output
    for (const more of [{}, { tool_choice: 'auto' }, { tools: [tool('get_weather')] }]) {
      const [item, ...others] = await output(more)
      expect(others).toEqual([])
      expect(item).toMatchObject({ type: 'function_call', name: 'get_weather', status: 'completed' })
      expect(item.id).toMatch(/^fc_\d{10}$/)
      expect(item.call_id).toBe(item.id.replace('fc_', 'call_'))
      expect(JSON.parse(item.arguments)).toMatchObject({ location: 'Boston' })
    }
    const call = { type: 'function_call', call_id: 'c', name: 'get_weather', arguments: '{}' }
    const result = { type: 'function_call_output', call_id: 'c', output: 'sunny' }
    expect((await output({ input: [{ role: 'user', content: 'x' }, call, result] }))[0].type).toBe('message')
    expect((await output({ tool_choice: 'none' }))[0].type).toBe('message')

    const list = await never.stream('/v1/responses', { model: 'm', input: 'x', tools: [flat] })
    const names = list.map(frame => frame.event.replace('response.', ''))
    expect(names.filter((one, at) => one !== names[at - 1])).toEqual([
      'created',
      'in_progress',
      'output_item.added',
      'function_call_arguments.delta',
      'function_call_arguments.done',
      'output_item.done',
      'completed',
    ])
    const done = list.find(frame => frame.event.endsWith('arguments.done'))!.data
    const deltas = list.filter(frame => frame.event.endsWith('arguments.delta')).map(frame => frame.data.delta)
    expect(deltas.join('')).toBe(done.arguments)
    expect(list.at(-1)!.data.response.output).toMatchObject([{ type: 'function_call', arguments: done.arguments }])
  })
})

describe('an omni model', () => {
  const server = contractServer(['--mode', 'echo', '--omni', '--time-to-generate-image', '100ms'])
  const png =
    'data:image/png;base64,iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
  const image = { type: 'image_url', image_url: { url: png } }
  const send = { 'X-Send-Image': 'true' }

  test('sends an image when asked, after its time', async () => {
    const start = performance.now()
    const { json } = await server.post('/v1/chat/completions', generation['/v1/chat/completions'], send)
    expect(performance.now() - start).toBeGreaterThanOrEqual(99)
    expect(json.choices[0].message.content).toEqual([{ type: 'text', text: prompt }, image])
    expect(json.usage.completion_tokens).toBe(5)
    for (const value of ['yes', 'false']) {
      const without = await server.post('/v1/chat/completions', generation['/v1/chat/completions'], {
        'X-Send-Image': value,
      })
      expect(without.json.choices[0].message.content).toBe(prompt)
    }
  })

  test('streamed: a chunk of its own before the last one', async () => {
    const list = await server.stream('/v1/chat/completions', generation['/v1/chat/completions'], send)
    const chunks = list.slice(0, -1).map(frame => frame.data)
    expect(chunks.at(-2)).toMatchObject({
      modality: 'image',
      choices: [{ index: 0, finish_reason: null, delta: { content: [image] } }],
    })
    expect(chunks.at(-1)).toMatchObject({ choices: [{ finish_reason: 'stop', delta: {} }] })
    expect(chunks[1].choices[0].delta).toEqual({ content: [{ type: 'text', text: 'This ' }] })
  })

  test('only chat shows it', async () => {
    const { json } = await server.post('/v1/completions', generation['/v1/completions'], send)
    expect(json.choices[0].text).toBe(prompt)
  })
})

describe('a multimodal encoder', () => {
  const server = contractServer(['--mm-encoder-only', '--enable-kvcache', '--mode', 'echo'], {
    env: { POD_IP: '1.2.3.4' },
  })
  const content = [
    { type: 'text', text: 'describe' },
    { type: 'image_url', image_url: { url: 'http://x/a.jpg' } },
  ]
  const place = {
    peer_host: 'DUMMY',
    peer_port: 1234,
    size_bytes: 2359296,
    nixl_agent_metadata_b64: 'TklYTF9NRVRBREFUQV9QTEFDRUhPTERFUg==',
  }

  test('answers exclamation marks and where its output is', async () => {
    const chat = async (more: object): Promise<Body> =>
      (await server.post('/v1/chat/completions', { model: 'm', messages, ...more })).json
    const seen = await chat({ messages: [{ role: 'user', content }], max_tokens: 3 })
    expect(seen.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: '!!!' } })
    expect(seen.ec_transfer_params).toEqual({ sim_img_0_98463ad0: place })
    const plain = await chat({})
    expect(plain.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: '!' } })
    expect(plain).not.toHaveProperty('ec_transfer_params')
    const features = { mm_hashes: { image: ['h1', 'h2'] } }
    const body = { ...generation['/inference/v1/generate'], features, sampling_params: { max_tokens: 2 } }
    const { json } = await server.post('/inference/v1/generate', body)
    expect(json.choices[0].token_ids).toEqual([604802540, 604802540])
    expect(json.ec_transfer_params).toEqual({ h1: place, h2: place })
    const list = await server.stream('/v1/chat/completions', { model: 'm', messages, max_tokens: 2 })
    expect(
      list
        .flatMap(frame => frame.data.choices ?? [])
        .map((one: Body) => one.delta.content ?? '')
        .join(''),
    ).toBe('!!')
  })

  test('has no embeddings', async () => {
    const reply = await server.post('/v1/embeddings', { input: 'a' })
    expect([reply.status, reply.text]).toEqual([404, 'Not Found'])
  })
})

describe('templates with values of their own', () => {
  const server = contractServer(['--default-chat-template-kwargs', '{"enable_thinking":true}'])

  test('make every request reason that does not say otherwise', async () => {
    const message = async (more: object): Promise<Body> =>
      (await server.post('/v1/chat/completions', { model: 'm', messages, ...more })).json.choices[0].message
    expect((await message({})).reasoning).toEqual(expect.any(String))
    expect((await message({ chat_template_kwargs: { enable_thinking: false } })).reasoning ?? null).toBeNull()
  })

  test.each<[string, object]>([
    ['/v1/chat/completions', { messages }],
    ['/v1/chat/completions/render', { messages }],
    ['/v1/responses', { input: 'hi' }],
    ['/v1/responses/input_tokens', { input: 'hi' }],
    ['/v1/messages', { messages, max_tokens: 5 }],
    ['/v1/messages/count_tokens', { messages }],
    ['/tokenize', { messages }],
  ])('templates of requests are refused as long as they are not trusted: %s', async (path, body) => {
    for (const member of [{ chat_template: '{{ 1 }}' }, { chat_template_kwargs: { chat_template: '{{ 1 }}' } }]) {
      const reply = await server.post(path, { model: 'm', ...body, ...member })
      expect(reply.status).toBe(400)
      expect(reply.json.error.message).toBe(
        'Chat template is passed with request, but --trust-request-chat-template is not set. ' +
          'Refused request with untrusted chat template.',
      )
    }
  })
})
