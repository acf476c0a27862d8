import { once } from 'node:events'
import { type IncomingMessage, request } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { VirtualClock } from '@vllm-sim/latency'
import { createLog } from '@vllm-sim/service'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import { createHttpServer } from '@vllm-sim/transport-http'
import { expect, onTestFinished, test } from 'vitest'
import { createInstance } from '../../src/assemble/instance.ts'
import { load } from '../../src/config/testing/load.ts'

const requests = 32
const tokens = 20

/** What one client measures of its own stream, in seconds from sending. */
interface Measured {
  readonly first: number
  readonly last: number
  readonly gaps: number
  readonly chunks: number
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

function value(text: string, name: string): number {
  return Number(new RegExp(`^vllm:${name}\\{model_name="m"\\} (\\S+)$`, 'm').exec(text)?.[1])
}

// Server and clients look at one clock, which moves when all that was written to a socket is read at its other end: what
// is compared is the simulation, not the machine. Eight times as many requests as slots: most of the time to the first
// token is spent in the queue.
test('what clients measure at saturation is what is scraped', async () => {
  const clock = new VirtualClock()
  const { config } = await load(
    ['--model', 'm', '--max-num-seqs', '4', '--time-to-first-token', '300ms', '--inter-token-latency', '50ms'],
    {},
  )
  const log = createLog({ level: 'silent', format: 'json' })
  const tokenizer = new SimulatedTokenizer()
  const { engine, listener } = createInstance({ config, tokenizer, log, port: 8000, clock })
  const server = createHttpServer(listener)
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  const served: Socket[] = []
  server.on('connection', (socket: Socket) => served.push(socket))
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.address() as AddressInfo

  const connected: Socket[] = []
  async function measure(n: number): Promise<Measured> {
    const sent = clock.now()
    const post = request({ port, method: 'POST', path: '/v1/completions', agent: false })
    post.on('socket', socket => connected.push(socket))
    post.end(JSON.stringify({ model: 'm', prompt: `request ${n}`, stream: true, max_tokens: tokens, ignore_eos: true }))
    const [response] = (await once(post, 'response')) as [IncomingMessage]
    const times: number[] = []
    let rest = ''
    response.setEncoding('utf8').on('data', (part: string) => {
      const lines = (rest + part).split('\n')
      rest = lines.pop()!
      const count = lines.filter(line => line.includes('"finish_reason":null')).length
      times.push(...Array(count).fill((clock.now() - sent) / 1000))
    })
    await once(response, 'end')
    const [first = Number.NaN] = times
    const last = times.at(-1) ?? Number.NaN
    return { first, last, gaps: last - first, chunks: times.length }
  }
  /** Whether the clients have read all that the server wrote. */
  const isRead = (): boolean =>
    sum(connected.map(({ bytesRead }) => bytesRead)) === sum(served.map(({ bytesWritten }) => bytesWritten))
  const settle = async (until: () => boolean): Promise<void> => {
    do {
      clock.advance(0)
      await nextTurn()
    } while (!(until() && isRead()))
  }

  const measured = Promise.all(Array.from({ length: requests }, (_, n) => measure(n)))
  await settle(() => engine.snapshot().running === 4 && engine.snapshot().waiting === requests - 4)
  for (let more = true; more; ) {
    more = clock.step()
    await settle(() => true)
  }
  const clients = await measured
  const scraped = await (await fetch(`http://127.0.0.1:${port}/metrics`)).text()
  const metric = (name: string): number => value(scraped, name)

  expect(clients.map(({ chunks }) => chunks)).toEqual(Array(requests).fill(tokens))
  expect(metric('time_to_first_token_seconds_count')).toBe(requests)
  expect(metric('e2e_request_latency_seconds_count')).toBe(requests)
  expect(metric('request_queue_time_seconds_count')).toBe(requests)
  expect(metric('inter_token_latency_seconds_count')).toBe(requests * (tokens - 1))
  expect(metric('generation_tokens_total')).toBe(requests * tokens)

  for (const [name, seen] of [
    ['time_to_first_token_seconds_sum', sum(clients.map(({ first }) => first))],
    ['e2e_request_latency_seconds_sum', sum(clients.map(({ last }) => last))],
    ['inter_token_latency_seconds_sum', sum(clients.map(({ gaps }) => gaps))],
  ] as const) {
    expect(metric(name), name).toBeCloseTo(seen, 6)
  }
  // Eight rounds of four, each of 300 ms and 19 times 50 ms.
  expect(sum(clients.map(({ last }) => last))).toBeCloseTo(4 * 1.25 * sum([1, 2, 3, 4, 5, 6, 7, 8]), 6)
})
