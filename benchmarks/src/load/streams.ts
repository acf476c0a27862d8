import { Connection } from './connection.ts'
import { EventReader } from './event-reader.ts'
import { Failures } from './failures.ts'
import { type Pace, Pacing, type PacingSummary } from './pacing.ts'

export interface StreamOptions {
  readonly url: URL
  readonly request: Buffer
  /** Streams at the same time, one connection each. */
  readonly streams: number
  /** Streams that each connection reads, one after the other. */
  readonly rounds: number
  /** Tokens that each stream has to bring. */
  readonly tokens: number
  readonly pace: Pace
  /** The streams begin evenly over this many milliseconds. */
  readonly spread: number
}

export interface StreamResult extends PacingSummary {
  /** Streams that came complete. */
  readonly requests: number
  readonly errors: number
  readonly problems: string
  /** Data frames, but for `[DONE]`. */
  readonly chunks: number
  readonly chunksPerSecond: number
}

/**
 * Reads streams and compares the arrival of every token with when it was due. A stream counts as an error unless it has
 * status 200, all its tokens in frames of their own, `[DONE]`, no error frame, and a complete HTTP body.
 */
export async function measureStreams(options: StreamOptions): Promise<StreamResult> {
  const { streams, spread } = options
  const pacing = new Pacing(options.pace)
  const failures = new Failures()
  const total = { chunks: 0, complete: 0 }
  const start = performance.now()
  await Promise.all(
    Array.from({ length: streams }, async (_, at) => {
      if (spread > 0) await new Promise(resolve => setTimeout(resolve, (spread * at) / streams))
      const connection = new Connection(options.url)
      for (let round = 0; round < options.rounds; round++) {
        await readStream(connection, options, pacing, failures, total)
      }
      connection.close()
    }),
  )
  const seconds = (performance.now() - start) / 1000
  return {
    requests: total.complete,
    errors: failures.count,
    problems: failures.text,
    chunks: total.chunks,
    chunksPerSecond: total.chunks / seconds,
    ...pacing.summary(),
  }
}

async function readStream(
  connection: Connection,
  { request, tokens }: StreamOptions,
  pacing: Pacing,
  failures: Failures,
  total: { chunks: number; complete: number },
): Promise<void> {
  const arrivals = new Float64Array(tokens)
  let texts = 0
  let done = false
  let error: string | undefined
  let arrived = 0
  const reader = new EventReader({
    onChunk: text => {
      total.chunks++
      if (!text) return
      if (texts < tokens) arrivals[texts] = arrived
      texts++
    },
    onError: message => {
      error = `error frame ${message}`
    },
    onDone: () => {
      done = true
    },
  })
  const sent = performance.now()
  const answer = await connection.ask(request, (buffer, from, to, now) => {
    arrived = now
    reader.feed(buffer, from, to)
  })
  if (answer.status === 200 && !answer.problem) {
    if (!done) error ??= 'no [DONE]'
    if (texts !== tokens) error ??= `${texts} instead of ${tokens} frames with text`
  }
  if (!failures.check(answer, answer.problem ?? error)) return
  total.complete++
  pacing.add(sent, arrivals, tokens)
}
