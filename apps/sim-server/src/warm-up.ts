import { connect } from 'node:net'
import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'
import type { Clock } from '@vllm-sim/latency'
import { createHttpServer, type Handler } from '@vllm-sim/transport-http'
import { listen } from './listen.ts'
import { holdHeap, releaseHeap } from './process/tune-compiler.ts'

export interface WarmUpOptions {
  /** Endpoints of an instance that is thrown away afterwards. */
  readonly listener: Handler
  /** The machine's clock. */
  readonly clock: Clock
  /** A model name that the instance serves. */
  readonly model: string
  /** How long it takes, milliseconds. */
  readonly limit: number
  /** Makes the instance answer with pauses between tokens; it begins without. */
  readonly pace: () => void
}

/** Clients at a time; few, so that the heap stays small. Every fourth wants its answers whole. */
const clients = 48
/** Share of the time in which answers come at once, as they do without any latency. */
const unpacedShare = 0.35
/** Tokens of each answer. */
const tokens = 20

/**
 * Sends traffic of our own through a server of our own before the real one opens its port. Cold code makes the first
 * hundreds of streams late by a tenth of a second and more; after this they are late by a few milliseconds.
 */
export async function warmUp({ listener, clock, model, limit, pace }: WarmUpOptions): Promise<void> {
  dropStartUpGarbage()
  const server = createHttpServer(listener)
  await listen(server, { host: '127.0.0.1', port: 0 })
  const address = server.address()
  const port = typeof address === 'object' && address ? address.port : 0
  const end = clock.now() + limit
  const change = clock.timer(limit * unpacedShare, pace)
  const client = async (at: number): Promise<void> => {
    const text = requestText(model, at, at % 4 !== 0)
    while (clock.now() < end) await call(port, text)
  }
  holdHeap()
  await Promise.all(Array.from({ length: clients }, (_, at) => client(at)))
  releaseHeap()
  change.cancel()
  server.closeAllConnections()
  await new Promise<void>(resolve => server.close(() => resolve()))
}

/**
 * Gives back the memory that loading and starting left behind, a tenth of an idle server's. V8 offers this collection only
 * to code that sees its `gc` function. It also drops compiled code, so it comes before the warm-up and not after it.
 */
function dropStartUpGarbage(): void {
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
