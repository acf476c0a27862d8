import { describe, expect, test } from 'vitest'
import { type Answerer, decoded, json, mock, prefilled } from './mock.ts'
import { chat, counted, post, sidecar } from './sidecar.ts'

describe('cached tokens', () => {
  async function ask(decoder: Answerer, path: string, cached: unknown = 7, usage = 'prompt_tokens_details') {
    const p = await mock(
      json({ kv_transfer_params: {}, usage: { [usage]: { cached_tokens: cached }, cache_read_input_tokens: cached } }),
    )
    const d = await mock(decoder)
    const s = await sidecar(d.port)
    const answer = await post(s.url, chat, { 'x-prefiller-host-port': p.host, 'accept-encoding': 'gzip' }, path)
    expect(d.seen[0]!.headers['accept-encoding']).toBeUndefined()
    return answer.text()
  }

  test.each([
    [
      '{"usage": {"a":1.0, "prompt_tokens_details": {"cached_tokens": 49 , "x":1e2}}}',
      '{"usage": {"a":1.0, "prompt_tokens_details": {"cached_tokens": 7 , "x":1e2}}}',
    ],
    ['{"usage":{}}', '{"usage":{"prompt_tokens_details":{"cached_tokens":7}}}'],
    ['{"usage":{"prompt_tokens_details":null}}', '{"usage":{"prompt_tokens_details":{"cached_tokens":7}}}'],
    ['{"usage":null}', '{"usage":null}'],
    ['{"x": "usage"}', '{"x": "usage"}'],
    ['{"usage":', '{"usage":'],
    ['', ''],
  ])('of %s', async (answer, expected) => {
    expect(await ask(json(answer), '/v1/chat/completions')).toBe(expected)
  })

  test.each([0, null, 'x', 7.5])('a prefiller that says %j: 0', async cached => {
    expect(await ask(json('{"usage":{}}'), '/v1/completions', cached)).toBe(
      '{"usage":{"prompt_tokens_details":{"cached_tokens":0}}}',
    )
  })

  test('of an answer of 200 kB', async () => {
    const text = JSON.stringify({ text: 'x'.repeat(200_000), usage: {} })
    expect(await ask(json(text), '/v1/chat/completions')).toBe(
      text.replace('{}', '{"prompt_tokens_details":{"cached_tokens":7}}'),
    )
  })

  test('in the place of each API', async () => {
    const responses = await ask(json('{"usage":{"input_tokens":64}}'), '/v1/responses', 7, 'input_tokens_details')
    expect(responses).toBe('{"usage":{"input_tokens":64,"input_tokens_details":{"cached_tokens":7}}}')
    const messages = await ask(json('{"usage":{"input_tokens":15,"cache_read_input_tokens":49}}'), '/v1/messages')
    expect(messages).toBe('{"usage":{"input_tokens":57,"cache_read_input_tokens":7}}')
  })

  const stream =
    (type: string, ...pieces: string[]): Answerer =>
    (_seen, res) => {
      res.writeHead(200, { 'content-type': type })
      const next = (): void => {
        const piece = pieces.shift()
        if (piece === undefined) res.end()
        else res.write(piece, () => setImmediate(next))
      }
      next()
    }

  test.each(['text/event-stream', 'text/plain'])('in a stream (%s), however it is cut', async type => {
    const events = [
      'data: {"usage":null}\n\nda',
      'ta: {"choices":[],"usa',
      'ge":{"prompt_tokens":64}}\n',
      '\nevent: x\ndata: [DONE]\n\n',
    ]
    expect(await ask(stream(type, ...events), '/v1/chat/completions')).toBe(
      'data: {"usage":null}\n\ndata: {"choices":[],"usage":{"prompt_tokens":64,"prompt_tokens_details":{"cached_tokens":7}}}\n\nevent: x\ndata: [DONE]\n\n',
    )
  })

  test('in a Responses stream, where usage lies in the response', async () => {
    const event =
      'event: response.completed\ndata: {"type":"response.completed","response":{"usage":{"input_tokens":64}}}\n\n'
    expect(await ask(stream('text/event-stream', event), '/v1/responses', 7, 'input_tokens_details')).toBe(
      event.replace('64}', '64,"input_tokens_details":{"cached_tokens":7}}'),
    )
  })
})

describe('decoding in pieces', () => {
  const piece = (content: string, finish_reason: string, tokens: number, more: object = {}): Answerer =>
    json({
      id: `chatcmpl-${content}`,
      created: content.length,
      object: 'chat.completion',
      model: 'm',
      choices: [
        { index: 0, message: { role: 'assistant', content, ...more }, finish_reason, logprobs: { content: [content] } },
      ],
      usage: { prompt_tokens: 10, completion_tokens: tokens, total_tokens: 10 + tokens },
    })

  async function ask(
    body: object,
    answers: readonly Answerer[],
    args: string[] = ['--decode-chunk-size=5'],
    prefiller?: string,
  ) {
    const d = await mock((seen, res, index) => (answers[index] ?? json({}, 500))(seen, res, index))
    const s = await sidecar(d.port, args)
    const answer = await post(
      s.url,
      { ...chat, ...body },
      prefiller === undefined ? {} : { 'x-prefiller-host-port': prefiller },
    )
    return { d, s, answer, text: await answer.text() }
  }

  const two = [piece('Hello', 'length', 5), piece(' world', 'stop', 3)]

  test('joins them to one answer', async () => {
    const { d, s, text } = await ask({ max_tokens: 10 }, two)
    expect(JSON.parse(text)).toEqual({
      id: 'chatcmpl-Hello',
      created: 5,
      object: 'chat.completion',
      model: 'm',
      choices: [
        {
          index: 0,
          message: { role: 'assistant', content: 'Hello world' },
          finish_reason: 'stop',
          logprobs: { content: ['Hello', ' world'] },
        },
      ],
      usage: { prompt_tokens: 10, completion_tokens: 8, total_tokens: 18 },
    })
    expect(d.seen.map(one => one.body)).toEqual([
      { ...chat, max_tokens: 5, max_completion_tokens: 5, stream: false },
      {
        ...chat,
        messages: [...chat.messages, { role: 'assistant', content: 'Hello' }],
        max_tokens: 5,
        max_completion_tokens: 5,
        stream: false,
        continue_final_message: true,
        add_generation_prompt: false,
      },
    ])
    expect(counted(s, 'decode_duration_seconds_count')).toBe(1)
  })

  test('streams them under one id', async () => {
    const { answer, text } = await ask({ max_tokens: 10, stream: true, stream_options: { include_usage: true } }, two)
    expect(answer.headers.get('content-type')).toContain('text/event-stream')
    const events = text
      .split('\n\n')
      .filter(one => one !== '')
      .map(one => one.slice(6))
    expect(events.pop()).toBe('[DONE]')
    const [first, second, usage] = events.map(one => JSON.parse(one))
    expect(first.choices).toEqual([
      {
        index: 0,
        delta: { role: 'assistant', content: 'Hello' },
        finish_reason: null,
        logprobs: { content: ['Hello'] },
      },
    ])
    expect(second.choices).toEqual([
      { index: 0, delta: { content: ' world' }, finish_reason: 'stop', logprobs: { content: [' world'] } },
    ])
    expect(usage).toMatchObject({ choices: [], usage: { prompt_tokens: 10, completion_tokens: 8, total_tokens: 18 } })
    for (const one of [first, second, usage])
      expect([one.id, one.object]).toEqual(['chatcmpl-Hello', 'chat.completion.chunk'])
  })

  test('ends with the first stop, with the budget, and when nothing more comes', async () => {
    expect((await ask({ max_tokens: 20 }, [piece('a', 'stop', 1)])).d.seen).toHaveLength(1)
    expect(
      (await ask({ max_completion_tokens: 7 }, [piece('a', 'length', 5), piece('b', 'length', 2)])).d.seen[1]!.body[
        'max_tokens'
      ],
    ).toBe(2)
    expect((await ask({ max_tokens: 20 }, [piece('a', 'length', 5), piece('', 'length', 0)])).d.seen).toHaveLength(2)
  })

  test('goes on with reasoning, and takes min_tokens down', async () => {
    const thinking = piece('', 'length', 5, { reasoning: 'Hm' })
    const { d, text } = await ask({ max_tokens: 10, min_tokens: 7 }, [
      thinking,
      piece('done', 'stop', 3, { reasoning: '.' }),
    ])
    expect(d.seen[1]!.body['messages']).toEqual([...chat.messages, { role: 'assistant', content: '', reasoning: 'Hm' }])
    expect(d.seen.map(one => one.body['min_tokens'])).toEqual([5, 2])
    expect(JSON.parse(text).choices[0].message).toMatchObject({ content: 'done', reasoning: 'Hm.' })
  })

  test.each([[{ max_tokens: 5 }], [{ max_tokens: 20, n: 2 }], [{ max_tokens: 20, tools: [{ type: 'function' }] }]])(
    'does not happen for %j',
    async body => {
      const { d, text } = await ask(body, [json(decoded)])
      expect([JSON.parse(text), d.seen.map(one => one.body)]).toEqual([decoded, [{ ...chat, ...body }]])
    },
  )

  test('an error of the first is the client’s; a later one is an event, or an error', async () => {
    const first = await ask({}, [json({ error: 1 }, 502, { 'x-a': 'b' })])
    expect([first.answer.status, first.answer.headers.get('x-a')]).toEqual([502, 'b'])
    expect((await ask({}, [json('no JSON')])).answer.status).toBe(500)
    const later = await ask({ stream: true }, [piece('a', 'length', 5), json({}, 500)])
    expect(later.text).toMatch(/"error":\{.*the decoder answered 500.*\n\ndata: \[DONE\]\n\n$/)
  })

  test('behind a prefill: params with the first, the prefiller’s cached tokens in the answer', async () => {
    const p = await mock(json(prefilled))
    const { d, text } = await ask({ max_tokens: 10 }, two, ['--decode-chunk-size=5'], p.host)
    expect(d.seen.map(one => one.body['kv_transfer_params'])).toEqual([prefilled.kv_transfer_params, undefined])
    expect(JSON.parse(text).usage.prompt_tokens_details).toEqual({ cached_tokens: 7 })
  })
})
