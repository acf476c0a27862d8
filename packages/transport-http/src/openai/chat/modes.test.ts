import { FnvHasher, PrefixCache, VirtualClock } from '@vllm-sim/core-engine'
import { describe, expect, test } from 'vitest'
import { chat, chatChunks, text, textChunks } from '../../testing/answers.ts'
import { startServer, type TestServer, type TestServerOptions } from '../../testing/server.ts'

async function withServer(options: TestServerOptions, run: (server: TestServer) => Promise<void>): Promise<void> {
  const server = await startServer(options)
  try {
    await run(server)
  } finally {
    await server.close()
  }
}

const images = (percent: number) => ({
  images: { draw: () => percent === 100, delay: { mean: 0, deviation: 0 } },
})
const url = expect.stringMatching(/^data:image\/png;base64,iVBOR/)
const tools = [{ type: 'function', function: { name: 'f', parameters: { type: 'object', properties: {} } } }]

describe('omni images', () => {
  test('end the content when the header asks, or by chance', async () => {
    await withServer({ settings: images(0) }, async server => {
      const sent = await chat(server, { max_tokens: 3 }, { 'x-send-image': 'true' })
      expect(sent.choices[0]!.message.content).toEqual([
        { type: 'text', text: expect.any(String) },
        { type: 'image_url', image_url: { url } },
      ])
      expect(sent.usage.completion_tokens).toBeLessThanOrEqual(3)
      expect((await chat(server, {})).choices[0]!.message.content).toEqual(expect.any(String))
    })
    await withServer({ settings: images(100) }, async server => {
      const sent = await chat(server, {}, { 'x-send-image': 'false' })
      expect(sent.choices[0]!.message.content).toHaveLength(2)
    })
  })

  test('stand beside tool calls', async () => {
    await withServer({ settings: images(100) }, async server => {
      const { choices } = await chat(server, { tools, tool_choice: 'required' })
      expect(choices[0]!.message.content).toEqual([{ type: 'image_url', image_url: { url } }])
      expect(choices[0]!.message.tool_calls).toHaveLength(1)
      expect(choices[0]!.finish_reason).toBe('tool_calls')
      const chunks = await chatChunks(server, { tools, tool_choice: 'required' })
      expect(chunks.at(-2)).toMatchObject({ modality: 'image' })
      expect(chunks.at(-1)!.choices[0]).toMatchObject({ delta: {}, finish_reason: 'tool_calls' })
    })
  })

  test('come in a chunk of their own, before the finish chunks', async () => {
    await withServer({ settings: images(100) }, async server => {
      const chunks = await chatChunks(server, { max_tokens: 4, ignore_eos: true, n: 2 })
      expect(chunks).toHaveLength(2 * (1 + 4 + 1 + 1))
      const shown = chunks.filter(chunk => chunk.modality === 'image')
      expect(shown.map(chunk => chunk.choices[0]!.delta.content)).toEqual(
        Array(2).fill([{ type: 'image_url', image_url: { url } }]),
      )
      expect(chunks.findIndex(chunk => chunk.choices[0]!.finish_reason !== null)).toBe(chunks.length - 2)
      const texts = chunks.flatMap(chunk => (chunk.modality ? [] : (chunk.choices[0]!.delta.content ?? [])))
      expect(texts).toEqual(Array(8).fill({ type: 'text', text: expect.any(String) }))
    })
  })

  test('take their time after the last token', async () => {
    const clock = new VirtualClock()
    const settings = { images: { draw: () => true, delay: { mean: 700, deviation: 0 } } }
    await withServer({ clock, settings, latency: { timeToFirstToken: 100, interTokenLatency: 10 } }, async server => {
      let ended = false
      const answer = chat(server, { max_tokens: 2, ignore_eos: true }).then(() => {
        ended = true
      })
      while (server.engine.running === 0) await new Promise(resolve => setImmediate(resolve))
      clock.advance(100 + 10 + 699)
      expect(server.engine.running).toBe(1)
      expect(ended).toBe(false)
      clock.advance(1)
      expect(server.engine.running).toBe(0)
      await answer
    })
  })
})

test('mm-encoder-only answers exclamation marks and where the encoding is', async () => {
  await withServer({ settings: { mmEncoderOnly: true } }, async server => {
    const messages = [{ role: 'user', content: [{ type: 'image_url', image_url: { url: 'http://x/y.png' } }] }]
    const answer = await chat(server, { messages, max_tokens: 3 })
    expect(answer.choices[0]).toMatchObject({ finish_reason: 'length', message: { content: '!!!' } })
    expect(Object.entries(answer.ec_transfer_params!)).toEqual([
      [
        expect.stringMatching(/^sim_img_0_[0-9a-f]+$/),
        {
          peer_host: 'DUMMY',
          peer_port: 1234,
          size_bytes: 2359296,
          nixl_agent_metadata_b64: Buffer.from('NIXL_METADATA_PLACEHOLDER').toString('base64'),
        },
      ],
    ])
    const plain = await chat(server, {})
    expect(plain.choices[0]!.message.content).toBe('!')
    expect(plain.ec_transfer_params).toBeUndefined()
  })
})

describe('cache threshold', () => {
  const header = { 'x-cache-threshold-finish-reason': 'true' }

  test('is an empty answer without usage details', async () => {
    await withServer({}, async server => {
      const answer = await chat(server, { kv_transfer_params: { do_remote_decode: true }, n: 2 }, header)
      expect(answer.choices).toMatchObject([
        { finish_reason: 'cache_threshold', message: { content: null } },
        { finish_reason: 'cache_threshold', message: { content: null } },
      ])
      expect(answer.usage).toEqual({ prompt_tokens: 10, completion_tokens: 0, total_tokens: 10 })
      expect(answer.kv_transfer_params).toMatchObject({ remote_engine_id: 'DUMMY_ID', do_remote_prefill: true })
      const completion = await text(server, { prompt: 'This is a test.' }, header)
      expect(completion.choices[0]).toMatchObject({ finish_reason: 'cache_threshold', text: '' })
    })
  })

  test('a stream is one finish chunk per choice, usage and [DONE]', async () => {
    await withServer({}, async server => {
      const chunks = await chatChunks(server, { n: 2, stream_options: { include_usage: true }, tools }, header)
      expect(chunks.map(({ choices }) => choices)).toMatchObject([
        [{ index: 0, delta: {}, finish_reason: 'cache_threshold' }],
        [{ index: 1, delta: {}, finish_reason: 'cache_threshold' }],
        [],
      ])
      expect(chunks[0]!.choices[0]!.delta).toEqual({})
      expect(chunks.at(-1)!.usage).toEqual({ prompt_tokens: 10, completion_tokens: 0, total_tokens: 10 })
    })
  })

  test('compares the cached share of the prompt', async () => {
    const cache = new PrefixCache({ size: 100, blockSize: 4, hasher: new FnvHasher('') })
    await withServer({ engine: { cache } }, async server => {
      const reason = async (threshold: number) => {
        const { choices } = await chat(server, { cache_hit_threshold: threshold, max_tokens: 1 })
        return choices[0]!.finish_reason
      }
      expect(await reason(0.5)).toBe('cache_threshold')
      // The refused prompt is in the cache now: 8 of its 10 tokens.
      expect(await reason(0.8)).not.toBe('cache_threshold')
      expect(await reason(0.81)).toBe('cache_threshold')
      expect(await reason(2)).not.toBe('cache_threshold')
    })
  })
})

test('remote decode has its own finish reason, with tools too', async () => {
  await withServer({}, async server => {
    const kv = { kv_transfer_params: { do_remote_decode: true, remote_block_ids: [1, [2]], remote_port: null } }
    const answer = await chat(server, kv)
    expect(answer.choices[0]!.finish_reason).toBe('remote_decode')
    expect(answer.kv_transfer_params).toEqual({
      do_remote_decode: false,
      do_remote_prefill: true,
      remote_engine_id: 'DUMMY_ID',
      remote_block_ids: ['DUMMY_ID'],
      remote_host: 'DUMMY',
      remote_port: 1234,
      tp_size: 1,
    })
    const called = await chat(server, { ...kv, tools, tool_choice: 'required' })
    expect(called.choices[0]!.finish_reason).toBe('remote_decode')
    expect(called.choices[0]!.message.tool_calls).toHaveLength(1)
    const decode = await chat(server, { kv_transfer_params: answer.kv_transfer_params })
    expect(decode.kv_transfer_params).toBeUndefined()
  })
})

test('an empty echo is null, and a complete stream', async () => {
  await withServer({ settings: { echo: true } }, async server => {
    const messages = [{ role: 'user', content: '' }]
    const { choices } = await chat(server, { messages })
    expect(choices[0]).toMatchObject({ finish_reason: 'stop', message: { content: null } })
    const chunks = await chatChunks(server, { messages })
    expect(chunks.map(chunk => chunk.choices[0]!.delta)).toEqual([{ role: 'assistant' }, {}])
  })
})

test('a continued message keeps its role and can be repeated', async () => {
  await withServer({}, async server => {
    const messages = [
      { role: 'user', content: 'Say something.' },
      { role: 'bot', content: 'Once upon ' },
    ]
    const body = { messages, continue_final_message: true, add_generation_prompt: false, echo: true, seed: 1 }
    const { choices } = await chat(server, body)
    expect(choices[0]!.message.role).toBe('bot')
    expect(choices[0]!.message.content).toMatch(/^Once upon ./)
    const chunks = await chatChunks(server, body)
    expect(chunks[0]!.choices[0]!.delta).toEqual({ role: 'bot' })
    expect(chunks.map(chunk => chunk.choices[0]!.delta.content ?? '').join('')).toBe(choices[0]!.message.content)
    const silent = await chat(server, { messages, echo: true })
    expect(silent.choices[0]!.message.content).not.toMatch(/^Once upon /)
  })
})

test.each([
  [{ content: 5 }],
  [{ content: { type: 'text', text: 'a' } }],
  [{ content: ['a'] }],
  [{ content: [{ type: 'image_url', image_url: 'http://x' }] }],
])('message %j is refused', async message => {
  await withServer({}, async server => {
    const response = await server.post('/v1/chat/completions', {
      model: 'my-model',
      messages: [{ role: 'user', ...message }],
    })
    expect(response.status).toBe(400)
    expect(await response.json()).toMatchObject({
      error: { message: 'Failed to read and parse request body, content format not supported' },
    })
  })
})

test('text, image, audio, video and unknown parts are taken', async () => {
  await withServer({ settings: { echo: true } }, async server => {
    const content = [
      { type: 'text', text: 'look' },
      { type: 'image_url', image_url: { url: 'http://x/y.png' } },
      { type: 'input_audio', input_audio: { data: 'QQ==', format: 'wav' } },
      { type: 'video_url', video_url: { url: 'http://x/y.mp4' } },
      { type: 'hologram', beam: 1 },
    ]
    const { choices } = await chat(server, { messages: [{ role: 'user', content }] })
    expect(choices[0]!.message.content).toBe('look\nimage: http://x/y.png')
  })
})

test('errors after validation carry the request id', async () => {
  await withServer({}, async server => {
    const missing = { model: 'my-model', messages: [], tools, tool_choice: { type: 'function', name: 'no' } }
    const response = await server.post('/v1/chat/completions', missing, { 'x-request-id': 'abc' })
    expect(response.status).toBe(400)
    expect(response.headers.get('x-request-id')).toBe('abc')
    const chunks = await textChunks(server, { prompt: 'a', max_tokens: 2 })
    expect(chunks.length).toBeGreaterThan(1)
  })
})
