import { type ClientHttp2Session, connect } from 'node:http2'
import { Numbers, quantile } from '../measure/quantiles.ts'
import { Pacing } from './pacing.ts'
import type { StreamOptions, StreamResult } from './streams.ts'
import type { UnaryResult } from './unary.ts'

const path = '/vllm.grpc.engine.VllmEngine/Generate'
const prefixLength = 5

/** A `GenerateRequest` in its frame: the text "a", `max_tokens`, `ignore_eos` and `stream`, written by hand. */
function grpcRequest(tokens: number, stream: boolean): Buffer {
  const sampling = [0x40, ...varint(tokens), 0x70, 1]
  const message = [0x1a, 1, 0x61, 0x22, sampling.length, ...sampling, ...(stream ? [0x28, 1] : [])]
  const frame = Buffer.alloc(prefixLength + message.length)
  frame.writeUInt32BE(message.length, 1)
  frame.set(message, prefixLength)
  return frame
}

function varint(value: number): number[] {
  return value < 0x80 ? [value] : [(value & 0x7f) | 0x80, ...varint(value >>> 7)]
}

/** Counts frames in a body that arrives in pieces of any size. */
class FrameCounter {
  readonly #onFrame: (first: number) => void
  #rest = 0
  #head = Buffer.alloc(0)

  /** @param onFrame called with the first byte of each message: 0x0a is a chunk, 0x12 the end of a choice */
  constructor(onFrame: (first: number) => void) {
    this.#onFrame = onFrame
  }

  feed(piece: Buffer): void {
    let at = 0
    while (at < piece.length) {
      if (this.#rest > 0) {
        const taken = Math.min(this.#rest, piece.length - at)
        this.#rest -= taken
        at += taken
        continue
      }
      // The prefix, and the message's first byte.
      const wanted = prefixLength + 1 - this.#head.length
      this.#head = Buffer.concat([this.#head, piece.subarray(at, at + wanted)])
      at = Math.min(piece.length, at + wanted)
      if (this.#head.length <= prefixLength) return
      this.#onFrame(this.#head[prefixLength]!)
      this.#rest = this.#head.readUInt32BE(1) - 1
      this.#head = Buffer.alloc(0)
    }
  }
}

/** One call. @returns why it failed, if it did */
function call(
  session: ClientHttp2Session,
  request: Buffer,
  onFrame: (first: number) => void,
): Promise<string | undefined> {
  return new Promise(resolve => {
    const stream = session.request({
      ':method': 'POST',
      ':path': path,
      'content-type': 'application/grpc',
      te: 'trailers',
    })
    const counter = new FrameCounter(onFrame)
    let status: string | undefined
    stream.on('data', (piece: Buffer) => counter.feed(piece))
    stream.on('response', headers => {
      status = headers['grpc-status'] as string | undefined
    })
    stream.on('trailers', headers => {
      status = headers['grpc-status'] as string | undefined
    })
    stream.on('error', error => resolve(error.message))
    stream.on('close', () => resolve(status === '0' ? undefined : `status ${status}`))
    stream.end(request)
  })
}

/** Tells the problems that calls had, each once. */
class Problems {
  count = 0
  readonly #texts = new Set<string>()

  add(text: string): void {
    this.count++
    if (this.#texts.size < 5) this.#texts.add(text)
  }

  get text(): string {
    return [...this.#texts].join(', ')
  }
}

/** Reads streams of `Generate`, all on one connection, and compares the arrival of every token with when it was due. */
export async function measureGrpcStreams(
  options: Pick<StreamOptions, 'url' | 'streams' | 'rounds' | 'tokens' | 'pace' | 'spread'>,
): Promise<StreamResult> {
  const { url, streams, tokens, spread } = options
  const pacing = new Pacing(options.pace)
  const problems = new Problems()
  const request = grpcRequest(tokens, true)
  const session = connect(url, { settings: { initialWindowSize: 1024 * 1024 } })
  session.once('connect', () => session.setLocalWindowSize(16 * 1024 * 1024))
  let chunks = 0
  let complete = 0
  const start = performance.now()
  await Promise.all(
    Array.from({ length: streams }, async (_, at) => {
      if (spread > 0) await new Promise(resolve => setTimeout(resolve, (spread * at) / streams))
      for (let round = 0; round < options.rounds; round++) {
        const arrivals = new Float64Array(tokens)
        let got = 0
        const sent = performance.now()
        const problem = await call(session, request, first => {
          chunks++
          if (first === 0x0a && got < tokens) arrivals[got++] = performance.now()
        })
        if (problem !== undefined || got !== tokens) problems.add(problem ?? `${got} instead of ${tokens} tokens`)
        else {
          complete++
          pacing.add(sent, arrivals, tokens)
        }
      }
    }),
  )
  const seconds = (performance.now() - start) / 1000
  session.close()
  return {
    requests: complete,
    errors: problems.count,
    problems: problems.text,
    chunks,
    chunksPerSecond: chunks / seconds,
    ...pacing.summary(),
  }
}

/** Calls that are not streamed, back to back, `inFlight` at a time on `connections` connections. */
export async function measureGrpcUnary(options: {
  readonly url: URL
  readonly tokens: number
  readonly inFlight: number
  readonly connections: number
  readonly seconds: number
}): Promise<UnaryResult> {
  const latencies = new Numbers()
  const problems = new Problems()
  const request = grpcRequest(options.tokens, false)
  const sessions = Array.from({ length: options.connections }, () => connect(options.url))
  const start = performance.now()
  const end = start + options.seconds * 1000
  await Promise.all(
    Array.from({ length: options.inFlight }, async (_, at) => {
      for (let sent = performance.now(); sent < end; sent = performance.now()) {
        const problem = await call(sessions[at % sessions.length]!, request, () => {})
        if (problem === undefined) latencies.push(performance.now() - sent)
        else {
          problems.add(problem)
          await new Promise(resolve => setTimeout(resolve, 10))
        }
      }
    }),
  )
  const seconds = (performance.now() - start) / 1000
  for (const session of sessions) session.close()
  const sorted = latencies.sorted()
  return {
    requests: latencies.length,
    errors: problems.count,
    problems: problems.text,
    requestsPerSecond: latencies.length / seconds,
    p50: quantile(sorted, 0.5),
    p99: quantile(sorted, 0.99),
    max: quantile(sorted, 1),
  }
}
