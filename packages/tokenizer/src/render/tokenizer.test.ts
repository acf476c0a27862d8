import type { ServerResponse } from 'node:http'
import { afterEach, describe, expect, it } from 'vitest'
import { ManualTimer } from '../testing/fixtures.ts'
import { startServer, type TestServer } from '../testing/http-server.ts'
import type { ChatMessage } from '../types.ts'
import { RenderTokenizer, type RenderTokenizerOptions } from './tokenizer.ts'

const servers: TestServer[] = []
const timer = new ManualTimer()

afterEach(async () => {
  for (const server of servers.splice(0)) await server.close()
})

async function start(
  answer: string | (() => [status: number, body: string]),
  options: Partial<RenderTokenizerOptions> = {},
) {
  const server = await startServer((_request, response) => {
    const [status, body] = typeof answer === 'string' ? ([200, answer] as const) : answer()
    response.writeHead(status).end(body)
  })
  servers.push(server)
  const tokenizer = new RenderTokenizer({ url: `${server.url}//`, model: 'M', startTimer: timer.start, ...options })
  return { server, tokenizer }
}

const bodies = (server: TestServer) => server.requests.map(({ url, body }) => [url, JSON.parse(body) as unknown])

describe('render tokenizer', () => {
  it('posts a text and cuts it into as many pieces as there are ids', async () => {
    const { server, tokenizer } = await start('[{"token_ids": [1, 2, 3], "request_id": "r", "features": null}]\n')
    const { ids, pieces, features } = await tokenizer.encode("I hear it's very cold.")
    expect(ids).toEqual([1, 2, 3])
    expect(pieces).toEqual(['I ', 'hear ', "it's very cold."])
    expect(features).toBeUndefined()
    expect(bodies(server)).toEqual([['/v1/completions/render', { model: 'M', prompt: "I hear it's very cold." }]])
    expect(server.requests[0]!.headers['content-type']).toBe('application/json')
  })

  it('posts messages, tools and template arguments', async () => {
    const { server, tokenizer } = await start('{"token_ids": [7]}')
    const tools = [{ type: 'function', function: { name: 'f' } }]
    const image = { type: 'image_url', image_url: { url: 'http://x/a.jpg' } }
    const messages: ChatMessage[] = [
      { role: 'user', content: [{ type: 'text', text: 'look' }, image] },
      { role: 'assistant', content: null, toolCalls: [{ id: 'c', name: 'f', arguments: '{}' }] },
      { role: 'tool', content: 'done', toolCallId: 'c' },
    ]
    const chat = { messages, tools, chatTemplateKwargs: { enable_thinking: false }, addGenerationPrompt: true }
    const { pieces } = await tokenizer.encodeChat(chat)
    expect(pieces).toEqual(['user: look\nimage: http://x/a.jpgassistant: [f({})]tool(c): done'])
    expect(bodies(server)).toEqual([
      [
        '/v1/chat/completions/render',
        {
          model: 'M',
          messages: [
            { role: 'user', content: [{ type: 'text', text: 'look' }, image] },
            {
              role: 'assistant',
              tool_calls: [{ function: { name: 'f', arguments: '{}' }, id: 'c', type: 'function', index: 0 }],
            },
            { role: 'tool', content: 'done', tool_call_id: 'c' },
          ],
          tools,
          chat_template_kwargs: { enable_thinking: false },
          add_generation_prompt: true,
        },
      ],
    ])
  })

  it('passes features through', async () => {
    const features = {
      mm_hashes: { image: ['h'] },
      mm_placeholders: { image: [{ offset: 1, length: 64 }] },
      kwargs_data: { image: ['AA==', null] },
    }
    const { tokenizer } = await start(JSON.stringify({ token_ids: [9707, 1879, 0], features }))
    const encoding = await tokenizer.encodeChat({ messages: [{ role: 'user', content: 'x' }] })
    expect(encoding.features).toEqual({
      mmHashes: { image: ['h'] },
      mmPlaceholders: { image: [{ offset: 1, length: 64 }] },
      kwargsData: { image: ['AA==', null] },
    })
  })

  it('takes an empty list of ids', async () => {
    const { tokenizer } = await start('{"token_ids": []}')
    expect(await tokenizer.encode('text')).toMatchObject({ ids: [], pieces: [] })
  })

  it('asks once for equal requests, also at the same time, and then answers at once', async () => {
    const { server, tokenizer } = await start('{"token_ids": [1]}')
    await Promise.all([tokenizer.encode('a'), tokenizer.encode('a')])
    expect(tokenizer.encode('a')).not.toBeInstanceOf(Promise)
    expect(server.requests).toHaveLength(1)
    await tokenizer.encode('b')
    expect(server.requests).toHaveLength(2)
  })

  it.each([
    ['4xx', 400, 'bad', 400, 'RenderRequest: vLLM render returned status 400: bad'],
    ['5xx', 500, 'worse', 500, 'RenderRequest: vLLM render returned status 500: worse'],
    ['an empty body', 200, ' ', 500, 'RenderRequest: empty response body'],
    ['an empty array', 200, '[]', 500, 'RenderRequest: render returned empty array'],
    ['no JSON', 200, '{', 500, 'RenderRequest: unmarshal response: '],
    ['no JSON array', 200, '[', 500, 'RenderRequest: unmarshal array response: '],
    ['strange ids', 200, '{"token_ids": [-1]}', 500, 'RenderRequest: unmarshal response: token_ids'],
  ])('reports %s', async (_name, status, body, expected, text) => {
    const { tokenizer } = await start(() => [status, body])
    const failure = Promise.resolve(tokenizer.encode('x'))
    await expect(failure).rejects.toMatchObject({ status: expected, message: expect.stringContaining(text) })
    await expect(failure).rejects.toThrow(/^RenderRequest: (?!RenderRequest)/)
  })

  it('ends a call when the last who waits for it has left, and not before', async () => {
    const asked: ServerResponse[] = []
    let arrived = Promise.withResolvers<void>()
    const closed = Promise.withResolvers<void>()
    const server = await startServer((_request, response) => {
      asked.push(response)
      response.once('close', closed.resolve)
      arrived.resolve()
    })
    servers.push(server)
    const tokenizer = new RenderTokenizer({ url: server.url, model: 'M', startTimer: timer.start })
    const [one, two] = [new AbortController(), new AbortController()]
    const first = Promise.resolve(tokenizer.encode('x', {}, one))
    const second = Promise.resolve(tokenizer.encode('x', {}, two))
    await arrived.promise
    one.abort(new Error('one left'))
    await expect(first).rejects.toThrow('one left')
    expect(asked[0]!.destroyed).toBe(false)
    two.abort(new Error('two left'))
    await expect(second).rejects.toThrow('two left')
    arrived = Promise.withResolvers()
    const third = tokenizer.encode('x')
    await Promise.all([closed.promise, arrived.promise])
    asked[1]!.end('{"token_ids": [1]}')
    expect((await third).ids).toEqual([1])
    expect(asked).toHaveLength(2)
  })

  it('starts without the service and works when it is there', async () => {
    let up = false
    const { tokenizer } = await start(() => (up ? [200, '{"token_ids": [1, 2]}'] : [503, 'starting']))
    await tokenizer.prepareOutput(['preset text. '])
    expect(tokenizer.encodeOutput('preset text. ').ids).toHaveLength(3)
    await expect(Promise.resolve(tokenizer.encode('x'))).rejects.toThrow('status 503')
    up = true
    expect(await tokenizer.encode('x')).toMatchObject({ ids: [1, 2] })
    await tokenizer.prepareOutput([])
    expect(tokenizer.encodeOutput('preset text. ')).toEqual({ ids: [1, 2], pieces: ['preset ', 'text. '] })
  })

  it('reports a service that cannot be reached, or is too slow', async () => {
    const { server, tokenizer } = await start('')
    await server.close()
    const refused = {
      code: 'network',
      message: expect.stringMatching(/^RenderRequest: post \/v1\/completions\/render: /),
    }
    await expect(Promise.resolve(tokenizer.encode('x'))).rejects.toMatchObject(refused)

    const slow = await startServer(() => timer.fire())
    servers.push(slow)
    const waiting = new RenderTokenizer({ url: slow.url, model: 'M', startTimer: timer.start, timeoutMs: 7 })
    await expect(Promise.resolve(waiting.encode('x'))).rejects.toThrow(/post .*: no .*answer within 7 ms/)
  })

  it('waits longer for images, audio and video', async () => {
    const asked: number[] = []
    const startTimer: RenderTokenizerOptions['startTimer'] = milliseconds => {
      asked.push(milliseconds)
      return () => {}
    }
    const { tokenizer } = await start('{"token_ids": [1]}', { startTimer })
    await tokenizer.encode('x')
    expect(Math.max(...asked.splice(0))).toBe(30_000)
    const audio = { type: 'input_audio', input_audio: { data: 'AA==' } }
    await tokenizer.encodeChat({ messages: [{ role: 'user', content: [audio] }] })
    expect(Math.max(...asked)).toBe(60_000)
  })
})
