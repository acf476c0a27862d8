import { expect, test } from 'vitest'
import { contractServer, eventually } from './contract-server.ts'

const requests = 32
const tokens = 20
const server = contractServer([
  ...['--max-num-seqs', '4', '--time-to-first-token', '300ms', '--inter-token-latency', '50ms'],
])

/** What one client measures of its own stream, in seconds from sending. */
async function measure(n: number): Promise<{ first: number; last: number; gaps: number; chunks: number }> {
  const sent = performance.now()
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
    const now = (performance.now() - sent) / 1000
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
test('what clients measure at saturation is what is scraped, within one per cent', async () => {
  // Both sides have run their code once and the connections are open: what is compared is the simulation.
  await measure(-1)
  await Promise.all(Array.from({ length: requests }, async () => (await fetch(`${server.url}/health`)).text()))
  const before = await server.metrics()
  const clients = await Promise.all(Array.from({ length: requests }, (_, n) => measure(n)))
  await eventually(async () => expect(await server.load()).toEqual({ running: 0, waiting: 0 }))
  const after = await server.metrics()
  const metric = (name: string): number => value(after, name) - value(before, name)

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
    expect(Math.abs(seen / metric(name) - 1), name).toBeLessThan(0.01)
  }
})
