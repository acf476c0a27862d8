import { expect, test } from 'vitest'
import { contractServer } from './contract-server.ts'

const requests = 32
const tokens = 20
const server = contractServer(
  ['--max-num-seqs', '4', '--time-to-first-token', '300ms', '--inter-token-latency', '50ms'],
  { standing: true },
)

/** What one client measures of its own stream, in seconds from sending. */
async function measure(n: number): Promise<{ first: number; last: number; gaps: number; chunks: number }> {
  const sent = server.clock.now()
  const response = await fetch(`${server.url}/v1/completions`, {
    method: 'POST',
    body: JSON.stringify({ model: 'm', prompt: `request ${n}`, stream: true, max_tokens: tokens, ignore_eos: true }),
  })
  let first = Number.NaN
  let last = Number.NaN
  let chunks = 0
  let rest = ''
  for await (const part of response.body!.pipeThrough(new TextDecoderStream())) {
    const lines = (rest + part).split('\n')
    rest = lines.pop()!
    const now = (server.clock.now() - sent) / 1000
    for (const line of lines) {
      if (!line.includes('"finish_reason":null')) continue
      chunks++
      if (Number.isNaN(first)) first = now
      last = now
    }
  }
  return { first, last, gaps: last - first, chunks }
}

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0)

function value(text: string, name: string): number {
  return Number(new RegExp(`^vllm:${name}\\{model_name="m"\\} (\\S+)$`, 'm').exec(text)?.[1])
}

// Eight times as many requests as slots: most of the time to the first token is spent in the queue.
test('what clients measure at saturation is what is scraped', async () => {
  const clients = await server.clock.until(Promise.all(Array.from({ length: requests }, (_, n) => measure(n))))
  const scraped = await server.metrics()
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
