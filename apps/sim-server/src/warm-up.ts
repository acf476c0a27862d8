import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock } from '@vllm-sim/latency'
import { createHttpServer, type Handler } from '@vllm-sim/transport-http'
import { listen } from './listen.ts'

export interface WarmUpOptions {
  /** Endpoints of an instance that is thrown away afterwards. */
  readonly listener: Handler
  /** The machine's clock. */
  readonly clock: Clock
  /** A model name that the instance serves. */
  readonly model: string
  /** No further round begins after this time, milliseconds. */
  readonly limit: number
}

/** Streams per round, and tokens of each. A burst of this size is what the first clients after a start may send. */
const streams = 300
const tokens = 20
/** Answers that are not streamed, per round. */
const bodies = 100
const rounds = 3

/**
 * Sends traffic of our own through a server of our own before the real one opens its port. Cold code makes the first
 * hundreds of streams late by a tenth of a second and more; after this they are late by a few milliseconds.
 */
export async function warmUp({ listener, clock, model, limit }: WarmUpOptions): Promise<void> {
  const server = createHttpServer(listener)
  await listen(server, { host: '127.0.0.1', port: 0 })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const end = clock.now() + limit
  for (let round = 0; round < rounds && clock.now() < end; round++) {
    const calls = Array.from({ length: streams }, (_, at) => call(port, requestText(model, at, true)))
    for (let at = 0; at < bodies; at++) calls.push(call(port, requestText(model, at, false)))
    await Promise.all(calls)
  }
  server.closeAllConnections()
  await new Promise<void>(resolve => server.close(() => resolve()))
  collectGarbage()
}

/**
 * Gives back the memory of what the warm-up left behind, a fifth of an idle server's. V8 offers this collection only to
 * code that sees its `gc` function.
 */
function collectGarbage(): void {
  setFlagsFromString('--expose-gc')
  const gc = runInNewContext('gc') as (options: { type: 'major'; execution: 'sync'; flavor: 'last-resort' }) => void
  gc({ type: 'major', execution: 'sync', flavor: 'last-resort' })
}

function requestText(model: string, at: number, stream: boolean): string {
  const chat = at % 2 === 0
  const question = chat
    ? { messages: [{ role: 'user', content: `Say something about the number ${at}.` }] }
    : { prompt: `Say something about the number ${at}.` }
  const body = JSON.stringify({ model, stream, max_tokens: tokens, ignore_eos: true, ...question })
  return (
    `POST ${chat ? '/v1/chat/completions' : '/v1/completions'} HTTP/1.1\r\nhost: 127.0.0.1\r\n` +
    `content-type: application/json\r\nconnection: close\r\ncontent-length: ${Buffer.byteLength(body)}\r\n\r\n${body}`
  )
}

/** Sends one request and drops the answer. */
function call(port: number, text: string): Promise<void> {
  return new Promise(resolve => {
    const socket = connect(port, '127.0.0.1', () => socket.write(text))
    socket.resume()
    socket.on('error', () => resolve())
    socket.on('close', () => resolve())
  })
}
