import { once } from 'node:events'
import { connect } from 'node:net'
import { type Cancel, SimulatedTokenizer } from '@vllm-sim/tokenizer'
import { expect, test } from 'vitest'
import { startServer } from '../testing/server.ts'

const chat = { messages: [{ role: 'user', content: 'long' }] }
const generated = { choices: [{ index: 0, token_ids: [1] }] }

test.each([
  ['/v1/completions', { prompt: 'long' }],
  ['/v1/chat/completions', chat],
  ['/v1/responses', { input: 'long' }],
  ['/v1/responses/input_tokens', { input: 'long' }],
  ['/v1/messages', { ...chat, max_tokens: 1 }],
  ['/v1/messages/count_tokens', chat],
  ['/v1/embeddings', { input: 'long' }],
  ['/v1/embeddings', chat],
  ['/tokenize', { prompt: 'long' }],
  ['/tokenize', chat],
  ['/v1/completions/render', { prompt: 'long' }],
  ['/v1/chat/completions/render', chat],
  ['/detokenize', { tokens: [1] }],
  ['/v1/chat/completions/derender', { generate_response: generated }],
  ['/v1/completions/derender', { generate_responses: [generated] }],
])('%s: a client that leaves while its tokens are made, or read, ends that work', async (path, body) => {
  const begun = Promise.withResolvers<void>()
  const ended = Promise.withResolvers<void>()
  const logged: unknown[] = []
  const forEver = (cancel?: Cancel) => {
    begun.resolve()
    return new Promise<never>((_, reject) => {
      const { signal } = cancel!
      signal!.addEventListener('abort', () => {
        ended.resolve()
        reject(signal!.reason)
      })
    })
  }
  const tokenizer = Object.assign(new SimulatedTokenizer(), {
    encode: (_text: string, _options: object, cancel?: Cancel) => forEver(cancel),
    decode: (_ids: readonly number[], _options: object, cancel?: Cancel) => forEver(cancel),
    encodeChat: (_chat: object, cancel?: Cancel) => forEver(cancel),
  })
  const server = await startServer({ tokenizer })
  server.context.log.error = fields => logged.push(fields)
  const { hostname, port } = new URL(server.url)
  const socket = connect(Number(port), hostname)
  const text = JSON.stringify({ model: 'my-model', ...body })
  socket.write(`POST ${path} HTTP/1.1\r\nhost: x\r\ncontent-length: ${text.length}\r\n\r\n${text}`)
  await begun.promise
  socket.resetAndDestroy()
  await once(socket, 'close')
  await ended.promise
  await server.close()
  expect(logged).toEqual([])
})
