import { describe, expect, test } from 'vitest'
import {
  type Body,
  contractServer,
  type Frame,
  type GenerationPath,
  generation,
  generationPaths,
  messages,
  prompt,
} from './contract-server.ts'

// Echo mode: ids, headers, usage, finish reasons and the frames of every endpoint.

const server = contractServer(
  [
    ...['--mode', 'echo', '--seed', '42', '--served-model-name', 'm', 'alias', '--enable-request-id-headers'],
    ...['--lora-modules', '{"name":"l1","path":"/p/l1"}', '{"name":"l2"}'],
  ],
  { model: 'org/base', env: { POD_NAME: 'pod-1', POD_NAMESPACE: 'ns-1' } },
)

const id = { 'X-Request-Id': 'abc' }
const usage = { prompt_tokens: 10, completion_tokens: 5, total_tokens: 15, prompt_tokens_details: { cached_tokens: 0 } }
const pieces = ['This ', 'is ', 'a ', 'test', '.']

async function ask(path: GenerationPath, more: object = {}, headers: Record<string, string> = id): Promise<Body> {
  const reply = await server.post(path, { ...generation[path], ...more }, headers)
  expect(reply.status, reply.text).toBe(200)
  return reply.json
}

function stream(path: GenerationPath, more: object = {}, headers: Record<string, string> = id): Promise<Frame[]> {
  return server.stream(path, { ...generation[path], ...more }, headers)
}

const data = (list: readonly Frame[]): Body[] => list.map(frame => frame.data)
const choicesOf = (list: readonly Frame[]): Body[] => data(list).flatMap(one => one.choices ?? [])

describe('chat', () => {
  test('whole', async () => {
    expect(await ask('/v1/chat/completions')).toMatchObject({
      id: 'chatcmpl-abc',
      object: 'chat.completion',
      created: expect.any(Number),
      model: 'm',
      choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content: prompt } }],
      usage,
    })
  })

  test('streamed: role, one chunk per token, finish, usage, end', async () => {
    const list = data(await stream('/v1/chat/completions', { stream_options: { include_usage: true } }))
    const chunk = { id: 'chatcmpl-abc', object: 'chat.completion.chunk', model: 'm', created: list[0].created }
    expect(list).toMatchObject([
      { ...chunk, usage: null, choices: [{ index: 0, finish_reason: null, delta: { role: 'assistant' } }] },
      ...pieces.map(content => ({
        ...chunk,
        usage: null,
        choices: [{ index: 0, finish_reason: null, delta: { content } }],
      })),
      { ...chunk, usage: null, choices: [{ index: 0, finish_reason: 'stop', delta: {} }] },
      { ...chunk, usage, choices: [] },
      '[DONE]',
    ])
    expect(list[0].choices[0].delta).toEqual({ role: 'assistant' })
    expect(list[1].choices[0].delta).toEqual({ content: 'This ' })
    expect(list[6].choices[0].delta).toEqual({})
    expect(await stream('/v1/chat/completions')).toHaveLength(8)
  })

  test('an empty echo is an answer, also streamed', async () => {
    const empty = { messages: [{ role: 'user', content: '' }] }
    const whole = await ask('/v1/chat/completions', empty)
    expect(whole.choices[0]).toMatchObject({ finish_reason: 'stop', message: { role: 'assistant' } })
    expect(whole.usage.completion_tokens).toBe(0)
    const choices = choicesOf(await stream('/v1/chat/completions', empty))
    expect(choices.map(one => [one.delta, one.finish_reason])).toEqual([
      [{ role: 'assistant' }, null],
      [{}, 'stop'],
    ])
  })

  test('the last message is echoed, whatever its role', async () => {
    const said = async (last: object): Promise<string> =>
      (await ask('/v1/chat/completions', { messages: [{ role: 'user', content: 'first' }, last] })).choices[0].message
        .content
    expect(await said({ role: 'assistant', content: 'second one' })).toBe('second one')
    expect(await said({ role: 'tool', tool_call_id: 'c', content: 'result' })).toBe('result')
    const image = { type: 'image_url', image_url: { url: 'http://x/a.png' } }
    const audio = { type: 'input_audio', input_audio: { data: 'd', format: 'wav' } }
    expect(await said({ role: 'user', content: [{ type: 'text', text: 'hi' }, image, audio] })).toBe(
      'hi\nimage: http://x/a.png',
    )
    const call = { id: 'c', type: 'function', index: 0, function: { name: 'f', arguments: '{"a":1}' } }
    expect(await said({ role: 'assistant', content: null, tool_calls: [call] })).toBe('[f({"a":1})]')
  })

  test('several choices: the prompt counts once, the answers each; streams have one role and one finish per choice', async () => {
    const whole = await ask('/v1/chat/completions', { n: 3 })
    expect(whole.choices.map((one: Body) => [one.index, one.message.content, one.finish_reason])).toEqual(
      [0, 1, 2].map(index => [index, prompt, 'stop']),
    )
    expect(whole.usage).toEqual({ ...usage, completion_tokens: 15, total_tokens: 25 })
    const list = data(await stream('/v1/chat/completions', { n: 3 }))
    expect(new Set(list.slice(0, -1).map(one => `${one.id} ${one.created}`)).size).toBe(1)
    for (const index of [0, 1, 2]) {
      const own = choicesOf(await stream('/v1/chat/completions', { n: 3 })).filter(one => one.index === index)
      expect(own.filter(one => one.delta.role)).toHaveLength(1)
      expect(own.map(one => one.delta.content ?? '').join('')).toBe(prompt)
      expect(own.map(one => one.finish_reason).filter(Boolean)).toEqual(['stop'])
    }
  })
})

describe('completions', () => {
  test('whole and streamed', async () => {
    const usage = {
      prompt_tokens: 5,
      completion_tokens: 5,
      total_tokens: 10,
      prompt_tokens_details: { cached_tokens: 0 },
    }
    expect(await ask('/v1/completions')).toMatchObject({
      id: 'cmpl-abc-0',
      object: 'text_completion',
      model: 'm',
      choices: [{ index: 0, finish_reason: 'stop', text: prompt }],
      usage,
    })
    const list = data(await stream('/v1/completions', { stream_options: { include_usage: true } }))
    const chunk = { id: 'cmpl-abc-0', object: 'text_completion', model: 'm', created: list[0].created }
    expect(list).toMatchObject([
      ...pieces.map(text => ({ ...chunk, usage: null, choices: [{ index: 0, finish_reason: null, text }] })),
      { ...chunk, usage: null, choices: [{ index: 0, finish_reason: 'stop', text: '' }] },
      { ...chunk, usage, choices: [] },
      '[DONE]',
    ])
  })

  test('several prompts, texts or ids', async () => {
    const ids = await ask('/v1/completions', { prompt: [[1, 2, 3], [10, 20], [7]] })
    expect(ids.choices.map((one: Body) => one.text)).toEqual(['1,2,3', '10,20', '7'])
    expect(ids.usage).toMatchObject({ prompt_tokens: 6, completion_tokens: 6 })
    expect(ids.id).toBe('cmpl-abc-0')
    expect((await ask('/v1/completions', { prompt: [1, 2, 3] })).choices[0].text).toBe('1,2,3')
    expect((await ask('/v1/completions', { prompt: [prompt] })).choices[0].text).toBe(prompt)

    const both = { prompt: ['one two', 'three'], n: 3 }
    const whole = await ask('/v1/completions', both)
    expect(whole.choices.map((one: Body) => [one.index, one.text])).toEqual(
      ['one two', 'one two', 'one two', 'three', 'three', 'three'].map((text, index) => [index, text]),
    )
    expect(whole.usage).toMatchObject({ prompt_tokens: 3, completion_tokens: 9 })
    const list = data(await stream('/v1/completions', both))
    expect(new Set(list.slice(0, -1).map(one => one.id))).toEqual(new Set(['cmpl-abc-0']))
    const texts = Array.from({ length: 6 }, () => '')
    const finished = Array.from({ length: 6 }, () => 0)
    for (const choice of list.slice(0, -1).flatMap(one => one.choices)) {
      texts[choice.index] += choice.text
      if (choice.finish_reason) finished[choice.index]!++
    }
    expect(texts).toEqual(whole.choices.map((one: Body) => one.text))
    expect(finished).toEqual([1, 1, 1, 1, 1, 1])
  })
})

describe('responses', () => {
  test('whole', async () => {
    const answer = await ask('/v1/responses', { instructions: 'Be brief' })
    expect(answer).toMatchObject({
      id: 'resp_abc',
      object: 'response',
      created_at: expect.any(Number),
      status: 'completed',
      model: 'm',
      instructions: 'Be brief',
      output: [
        {
          type: 'message',
          id: 'msg_abc',
          role: 'assistant',
          status: 'completed',
          content: [{ type: 'output_text', text: prompt }],
        },
      ],
      text: { format: { type: 'text' } },
      usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
    })
    expect(answer.output).toHaveLength(1)
  })

  test('streamed', async () => {
    const list = await stream('/v1/responses')
    expect(list.map(frame => frame.event)).toEqual([
      'response.created',
      'response.in_progress',
      'response.output_item.added',
      'response.content_part.added',
      ...pieces.map(() => 'response.output_text.delta'),
      'response.output_text.done',
      'response.content_part.done',
      'response.output_item.done',
      'response.completed',
    ])
    for (const { event, data } of list) expect(data.type).toBe(event)
    expect(list.map(frame => frame.data.sequence_number)).toEqual([...list.keys()])
    const at = (event: string): Body => list.find(frame => frame.event === `response.${event}`)!.data
    // An id that a stored response has already is not given again.
    const given: string = at('created').response.id
    expect(given).toMatch(/^resp_/)
    expect(given).not.toBe('resp_abc')
    const message = given.replace('resp_', 'msg_')
    expect(at('created').response).toMatchObject({ status: 'in_progress', output: [], model: 'm' })
    expect(at('output_item.added')).toMatchObject({
      output_index: 0,
      item: { type: 'message', id: message, role: 'assistant', status: 'in_progress', content: [] },
    })
    expect(at('content_part.added')).toMatchObject({ item_id: message, part: { type: 'output_text', text: '' } })
    const deltas = list.filter(frame => frame.event === 'response.output_text.delta')
    expect(deltas.map(frame => [frame.data.item_id, frame.data.delta])).toEqual(pieces.map(one => [message, one]))
    expect(at('output_text.done')).toMatchObject({ item_id: message, text: prompt })
    expect(at('content_part.done')).toMatchObject({ part: { type: 'output_text', text: prompt } })
    expect(at('output_item.done')).toMatchObject({ item: { status: 'completed', content: [{ text: prompt }] } })
    expect(at('completed').response).toMatchObject({
      status: 'completed',
      output: [{ id: message, content: [{ text: prompt }] }],
      usage: { input_tokens: 10, output_tokens: 5, total_tokens: 15 },
    })
  })

  test('what is echoed of items', async () => {
    const said = async (...input: object[]): Promise<string> =>
      (await ask('/v1/responses', { input })).output[0].content[0].text
    expect(await said({ role: 'user', content: 'hello' })).toBe('hello')
    const parts = [
      { type: 'input_text', text: 'a b' },
      { type: 'input_image', image_url: 'http://i' },
      { type: 'input_audio', data: 'd', format: 'wav' },
    ]
    expect(await said({ type: 'message', role: 'user', content: parts })).toBe('a b\nimage: http://i\naudio: wav')
    expect(await said({ type: 'function_call', call_id: 'c', name: 'f', arguments: '{"q":1}' })).toBe('f({"q":1})')
    expect(await said({ type: 'function_call_output', call_id: 'c', output: 'done' })).toBe('done')
  })
})

describe('messages', () => {
  test('whole', async () => {
    expect(await ask('/v1/messages')).toMatchObject({
      id: 'msg_abc',
      type: 'message',
      role: 'assistant',
      model: 'm',
      content: [{ type: 'text', text: prompt }],
      stop_reason: 'end_turn',
      stop_sequence: null,
      usage: { input_tokens: 10, cache_creation_input_tokens: 0, cache_read_input_tokens: 0, output_tokens: 5 },
    })
    expect((await ask('/v1/messages', { max_tokens: 2 })).stop_reason).toBe('max_tokens')
  })

  test('streamed', async () => {
    const list = await stream('/v1/messages')
    expect(list.map(frame => frame.event)).toEqual([
      'message_start',
      'content_block_start',
      'ping',
      ...pieces.map(() => 'content_block_delta'),
      'content_block_stop',
      'message_delta',
      'message_stop',
    ])
    expect(data(list)).toMatchObject([
      {
        type: 'message_start',
        message: { id: 'msg_abc', content: [], stop_reason: null, usage: { input_tokens: 10, output_tokens: 0 } },
      },
      { type: 'content_block_start', index: 0, content_block: { type: 'text', text: '' } },
      { type: 'ping' },
      ...pieces.map(text => ({ type: 'content_block_delta', index: 0, delta: { type: 'text_delta', text } })),
      { type: 'content_block_stop', index: 0 },
      {
        type: 'message_delta',
        delta: { stop_reason: 'end_turn', stop_sequence: null },
        usage: { output_tokens: 5 },
      },
      { type: 'message_stop' },
    ])
  })

  test('system is part of the prompt, as text or as blocks; tool results come after the rest of their message', async () => {
    const [text, blocks] = await Promise.all(
      ['Be brief', [{ type: 'text', text: 'Be brief' }]].map(system => ask('/v1/messages', { system })),
    )
    expect(text.usage.input_tokens).toBeGreaterThan(10)
    expect(blocks.usage.input_tokens).toBe(text.usage.input_tokens)
    const content = [
      {
        type: 'tool_result',
        tool_use_id: 'c',
        content: [
          { type: 'text', text: 'x' },
          { type: 'text', text: 'y' },
        ],
      },
      { type: 'text', text: 'other' },
    ]
    expect((await ask('/v1/messages', { messages: [{ role: 'user', content }] })).content[0].text).toBe('x\ny')
  })
})

describe('generate', () => {
  test('whole and streamed', async () => {
    const path = '/inference/v1/generate'
    expect(await ask(path)).toMatchObject({
      request_id: 'abc',
      choices: [{ index: 0, finish_reason: 'stop', token_ids: [1, 2, 3] }],
      ec_transfer_params: null,
    })
    const list = data(await stream(path, { stream_options: { include_usage: true } }))
    expect(list).toMatchObject([
      ...[1, 2].map(one => ({ request_id: 'abc', choices: [{ index: 0, finish_reason: null, token_ids: [one] }] })),
      { request_id: 'abc', choices: [{ index: 0, finish_reason: 'stop', token_ids: [3] }] },
      { choices: [], usage: { prompt_tokens: 3, completion_tokens: 3, total_tokens: 6 } },
      '[DONE]',
    ])
    expect(list[0]).not.toHaveProperty('usage')
    expect((await ask(path, { token_ids: [] })).choices[0]).toMatchObject({ finish_reason: 'stop', token_ids: [] })
    expect((await ask(path, { sampling_params: { max_tokens: 2 } })).choices[0].finish_reason).toBe('length')
    const empty = choicesOf(await stream(path, { token_ids: [] }))
    expect(empty.at(-1)).toMatchObject({ finish_reason: 'stop' })
  })
})

describe('limits do not cut an echo', () => {
  test.each([
    ['/v1/chat/completions', { max_tokens: 2 }],
    ['/v1/chat/completions', { max_completion_tokens: 2, max_tokens: 900 }],
    ['/v1/chat/completions', { max_tokens: 3, ignore_eos: true }],
    ['/v1/completions', { max_tokens: 5 }],
  ] as const)('%s %j', async (path, more) => {
    const { choices, usage } = await ask(path, more)
    expect([choices[0].message?.content ?? choices[0].text, choices[0].finish_reason]).toEqual([prompt, 'length'])
    expect(usage.completion_tokens).toBe(5)
    const streamed = choicesOf(await stream(path, more))
    expect(streamed.map(one => one.delta?.content ?? one.text ?? '').join('')).toBe(prompt)
    expect(streamed.at(-1).finish_reason).toBe('length')
  })

  test('a limit above the length leaves the reason alone', async () => {
    expect((await ask('/v1/chat/completions', { max_tokens: 6 })).choices[0].finish_reason).toBe('stop')
  })
})

describe('model names', () => {
  test.each(generationPaths)('%s: an alias answers as the first one, an adapter as itself', async path => {
    const name = async (model: string): Promise<string | undefined> => (await ask(path, { model })).model
    if (path === '/inference/v1/generate') {
      await name('alias')
      await name('l1')
      return
    }
    expect([await name('m'), await name('alias'), await name('l1')]).toEqual(['m', 'm', 'l1'])
    const streamed = data(await stream(path, { model: 'alias' }))[0]
    expect((streamed.message ?? streamed.response ?? streamed).model).toBe('m')
  })

  test('the list has names, then adapters', async () => {
    const { json } = await server.get('/v1/models')
    const model = { object: 'model', created: expect.any(Number), owned_by: 'vllm', max_model_len: 1024 }
    expect(json).toMatchObject({
      object: 'list',
      data: [
        { ...model, id: 'm', root: 'org/base', parent: null },
        { ...model, id: 'alias', root: 'org/base', parent: null },
        { ...model, id: 'l1', root: '/p/l1', parent: 'm' },
        { ...model, id: 'l2', root: 'l2', parent: 'm' },
      ],
    })
    expect(json.data).toHaveLength(4)
  })

  test('adapters come and go', async () => {
    const known = async (): Promise<string[]> => (await server.get('/v1/models')).json.data.map((one: Body) => one.id)
    const change = async (what: string, body: object): Promise<void> => {
      const reply = await server.post(`/v1/${what}_lora_adapter`, body)
      expect([reply.status, reply.text]).toEqual([200, ''])
    }
    await change('load', { lora_name: 'l9', lora_path: '/q', load_inplace: true })
    await change('load', { lora_name: 'l9', lora_path: '/q' })
    expect(await known()).toContain('l9')
    expect((await ask('/v1/chat/completions', { model: 'l9' })).model).toBe('l9')
    await change('unload', { lora_name: 'l9' })
    await change('unload', { lora_name: 'never' })
    expect(await known()).not.toContain('l9')
    expect((await server.post('/v1/chat/completions', { model: 'l9', messages })).status).toBe(404)
    expect((await server.post('/v1/load_lora_adapter', {})).status).toBe(400)
  })
})

describe('headers', () => {
  test.each(generationPaths)('%s: pod and request id, also on a stream', async path => {
    for (const stream of [false, true]) {
      const { headers } = await server.post(path, { ...generation[path], stream }, id)
      expect(Object.fromEntries(headers)).toMatchObject({
        'content-type': stream ? 'text/event-stream' : 'application/json',
        'x-inference-pod': 'pod-1',
        'x-inference-namespace': 'ns-1',
        'x-inference-port': String(server.port),
        'x-request-id': 'abc',
      })
    }
  })

  test('also on render and embeddings, and on nothing else', async () => {
    for (const [path, body] of [
      ['/v1/completions/render', { model: 'm', prompt }],
      ['/v1/chat/completions/render', { model: 'm', messages }],
      ['/v1/embeddings', { input: 'a' }],
    ] as const) {
      const { headers } = await server.post(path, body, id)
      expect([headers.get('x-inference-pod'), headers.get('x-request-id')]).toEqual(['pod-1', 'abc'])
    }
    for (const reply of [server.post('/tokenize', { prompt }, id), server.get('/v1/models'), server.get('/health')]) {
      expect((await reply).headers.get('x-inference-pod')).toBeNull()
    }
  })

  test('without a header the id is a name-based UUID of seed, port and number', async () => {
    const first = await ask('/v1/chat/completions', {}, {})
    expect(first.id).toMatch(/^chatcmpl-[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
    expect((await ask('/v1/chat/completions', {}, { 'X-Request-Id': '' })).id).not.toBe(first.id)
  })

  test('two requests of one id at a time are both served', async () => {
    const answers = await Promise.all([ask('/v1/chat/completions'), ask('/v1/chat/completions', { n: 2 })])
    expect(answers.map(one => one.choices.length)).toEqual([1, 2])
  })
})

describe('logprobs', () => {
  const bytes = (text: string): number[] => [...Buffer.from(text)]
  const main = [-1, -1.1, -1.2, -1, -1.1]

  test('chat: the chosen token first, then the others, one by one in a stream', async () => {
    const entry = (token: string, at: number): object => ({
      token,
      logprob: main[at],
      bytes: bytes(token),
      top_logprobs: [
        { token, logprob: main[at], bytes: bytes(token) },
        { token: `${token}_1`, logprob: expect.closeTo(main[at]! - 0.5, 9), bytes: bytes(`${token}_1`) },
      ],
    })
    const whole = await ask('/v1/chat/completions', { logprobs: true, top_logprobs: 2 })
    expect(whole.choices[0].logprobs.content).toEqual(pieces.map(entry))
    const chunks = choicesOf(await stream('/v1/chat/completions', { logprobs: true, top_logprobs: 2 }))
    expect(chunks.flatMap(one => one.logprobs?.content ?? [])).toEqual(pieces.map(entry))
    const top = async (more: object): Promise<unknown> =>
      (await ask('/v1/chat/completions', { logprobs: true, ...more })).choices[0].logprobs.content[0].top_logprobs
    expect(await top({})).toHaveLength(1)
    expect((await top({ top_logprobs: 0 })) ?? []).toEqual([])
    expect((await ask('/v1/chat/completions', { logprobs: false, top_logprobs: 3 })).choices[0].logprobs ?? null).toBe(
      null,
    )
  })

  test('completions: maps with offsets', async () => {
    const { choices } = await ask('/v1/completions', { logprobs: 2 })
    expect(choices[0].logprobs).toMatchObject({ tokens: pieces, token_logprobs: main, text_offset: [0, 5, 8, 10, 14] })
    expect(choices[0].logprobs.top_logprobs[0]).toEqual({ 'This ': -1, 'This _1': -1.5 })
    const chunks = choicesOf(await stream('/v1/completions', { logprobs: 2 })).filter(one => one.logprobs)
    expect(chunks.map(one => one.logprobs.tokens)).toEqual(pieces.map(one => [one]))
    expect(chunks.map(one => one.logprobs.text_offset)).toEqual([[0], [5], [8], [10], [14]])
    expect((await ask('/v1/completions', { logprobs: 0 })).choices[0].logprobs ?? null).toBeNull()
  })

  test('responses: asked for by include', async () => {
    const include = ['message.output_text.logprobs']
    const part = async (more: object): Promise<Body> => (await ask('/v1/responses', more)).output[0].content[0]
    expect((await part({ include })).logprobs.map((one: Body) => [one.token, one.logprob, one.top_logprobs])).toEqual(
      pieces.map((token, at) => [token, main[at], []]),
    )
    expect((await part({ include, top_logprobs: 2 })).logprobs[0].top_logprobs).toHaveLength(2)
    expect((await part({})).logprobs).toEqual([])
  })
})

describe('disaggregation', () => {
  const prefill = { kv_transfer_params: { do_remote_decode: true, do_remote_prefill: false } }
  const given = {
    do_remote_decode: false,
    do_remote_prefill: true,
    remote_engine_id: 'DUMMY_ID',
    remote_block_ids: ['DUMMY_ID'],
    remote_host: 'DUMMY',
    remote_port: 1234,
    tp_size: 1,
  }

  test.each(generationPaths)('%s', async path => {
    const prefilled = await ask(path, prefill)
    const decoded = await ask(path, { kv_transfer_params: given })
    expect(decoded.kv_transfer_params ?? null).toBeNull()
    if (path === '/v1/responses' || path === '/v1/messages') {
      expect(prefilled.kv_transfer_params ?? null).toBeNull()
      if (path === '/v1/messages') expect(prefilled.stop_reason).toBe('end_turn')
    } else {
      expect(prefilled.kv_transfer_params).toEqual(given)
      expect(prefilled.choices[0].finish_reason).toBe('remote_decode')
      expect(decoded.choices[0].finish_reason).toBe('stop')
      // A reason of the length is replaced too.
      const limited = await ask(path, { ...prefill, max_tokens: 1, sampling_params: { max_tokens: 1 } })
      expect(limited.choices[0].finish_reason).toBe('remote_decode')
    }
    const frames = await stream(path, { kv_transfer_params: given })
    expect(frames.length).toBeGreaterThan(3)
  })

  test('generate also takes them from the sampling parameters', async () => {
    const inside = { sampling_params: { extra_args: prefill } }
    expect((await ask('/inference/v1/generate', inside)).kv_transfer_params).toEqual(given)
  })
})

describe('the cache threshold header', () => {
  const forced = { ...id, 'X-Cache-Threshold-Finish-Reason': 'true' }
  const none = { ...usage, completion_tokens: 0, total_tokens: 10, prompt_tokens_details: undefined }

  test('chat', async () => {
    const whole = await ask('/v1/chat/completions', {}, forced)
    expect(whole.choices[0]).toMatchObject({ finish_reason: 'cache_threshold', message: { role: 'assistant' } })
    expect(whole.choices[0].message.content ?? '').toBe('')
    expect({ ...whole.usage, prompt_tokens_details: undefined }).toEqual(none)
    expect(whole.usage.prompt_tokens_details ?? null).toBeNull()
    const list = data(await stream('/v1/chat/completions', { stream_options: { include_usage: true } }, forced))
    expect(list).toHaveLength(3)
    expect(list).toMatchObject([
      { choices: [{ index: 0, finish_reason: 'cache_threshold', delta: {} }] },
      { choices: [], usage: { completion_tokens: 0 } },
      '[DONE]',
    ])
    const several = choicesOf(await stream('/v1/chat/completions', { n: 2 }, forced))
    expect(several.map(one => one.finish_reason).filter(Boolean)).toEqual(['cache_threshold', 'cache_threshold'])
    const params = { kv_transfer_params: { do_remote_decode: true } }
    const leg = await ask('/v1/chat/completions', params, forced)
    expect([leg.choices[0].finish_reason, leg.kv_transfer_params.remote_host]).toEqual(['cache_threshold', 'DUMMY'])
  })

  test('completions', async () => {
    const whole = await ask('/v1/completions', {}, forced)
    expect(whole.choices[0]).toMatchObject({ finish_reason: 'cache_threshold', text: '' })
    const list = data(await stream('/v1/completions', {}, forced))
    expect(list).toHaveLength(2)
    expect(list[0].choices[0]).toMatchObject({ finish_reason: 'cache_threshold', text: '' })
  })

  test('messages', async () => {
    const whole = await ask('/v1/messages', {}, forced)
    expect(whole).toMatchObject({ stop_reason: 'max_tokens', usage: { output_tokens: 0 } })
    expect(whole.content).toMatchObject([{ type: 'text' }])
    const list = await stream('/v1/messages', {}, forced)
    expect(list[0]!.event).toBe('message_start')
    expect(list.slice(-3).map(one => one.event)).toEqual(['content_block_stop', 'message_delta', 'message_stop'])
    expect(list.at(-2)!.data.delta.stop_reason).toBe('max_tokens')
  })

  test('is ignored elsewhere and when it is not a boolean', async () => {
    expect((await ask('/v1/responses', {}, forced)).output[0].content[0].text).toBe(prompt)
    expect((await ask('/inference/v1/generate', {}, forced)).choices[0].finish_reason).toBe('stop')
    for (const value of ['yes', 'tRUE', '0', 'false', ' ']) {
      const reply = await ask('/v1/chat/completions', {}, { 'X-Cache-Threshold-Finish-Reason': value })
      expect(reply.choices[0].finish_reason).toBe('stop')
    }
    for (const value of ['1', 't', 'T', 'TRUE', 'True']) {
      const reply = await ask('/v1/chat/completions', {}, { 'X-Cache-Threshold-Finish-Reason': value })
      expect(reply.choices[0].finish_reason).toBe('cache_threshold')
    }
    // Without a cache nothing else decides.
    expect((await ask('/v1/chat/completions', { cache_hit_threshold: 1 })).choices[0].finish_reason).toBe('stop')
  })
})
