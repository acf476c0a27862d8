import { afterEach, expect, it } from 'vitest'
import { type Script, type TinyServer, tinyServer } from '../testing/tiny-server.ts'
import { type LoadResult, load } from './command.ts'

let server: TinyServer
afterEach(() => server.close())

async function stream(script: (request: number) => Script, count: number, tokens: number): Promise<LoadResult> {
  server = await tinyServer(script)
  return load({ url: server.url.href, mode: 'stream', count, tokens, ttft: 50, itl: 10, spread: 0 })
}

// A busy machine makes everything later and nothing earlier: what a server was made to do late is the lower bound.

it('counts streams and chunks', async () => {
  const result = await stream(() => ({ tokens: 20, at: k => 50 + 10 * k }), 5, 20)
  // A role chunk, 20 tokens and a finish chunk.
  expect(result).toMatchObject({ requests: 5, errors: 0, chunks: 5 * 22, problems: '' })
  // No token can come before its time.
  expect(result.overdueP50).toBeGreaterThanOrEqual(0)
  expect(result.ttftOverP50).toBeGreaterThanOrEqual(0)
})

it('sees a late first token, and that the others keep their distance to it', async () => {
  const result = await stream(() => ({ tokens: 20, at: k => 130 + 10 * k }), 3, 20)
  expect(result.ttftOverP50).toBeGreaterThanOrEqual(80)
  expect(result.overdueP50).toBeGreaterThanOrEqual(80)
  expect(result.lateP50).toBeLessThanOrEqual(result.overdueP50! - 80)
})

it('sees tokens that are late by themselves', async () => {
  const result = await stream(() => ({ tokens: 21, at: k => 50 + 10 * k + (k === 10 ? 60 : 0) }), 3, 21)
  expect(result.overdueMax).toBeGreaterThanOrEqual(60)
  // How late the first token was takes from that.
  expect(result.lateMax).toBeGreaterThanOrEqual(60 - result.ttftOverMax!)
})

it('sees drift', async () => {
  const result = await stream(() => ({ tokens: 21, at: k => 50 + 15 * k }), 3, 21)
  expect(result.overdueMax).toBeGreaterThanOrEqual(100)
  // Each stream takes 300 ms from the first token instead of 200; how late the first one was takes from that.
  expect(result.driftPercent).toBeGreaterThanOrEqual(50 - result.ttftOverMax! / 2)
})

it('tells every way in which a stream can fail', async () => {
  const ends = ['done', '503', 'cut', 'without done', 'error frame'] as const
  const at = (): number => 0
  const result = await stream(n => ({ tokens: n === 5 ? 3 : 4, at, end: ends[n % 5]! }), 6, 4)
  expect(result.requests).toBe(1)
  expect(result.errors).toBe(5)
  for (const problem of [
    'status 503',
    'no [DONE]',
    'error frame {"error"',
    '3 instead of 4 frames with text',
    'clos',
  ]) {
    expect(result.problems).toContain(problem)
  }
})

it('measures answers that are not streamed', async () => {
  server = await tinyServer(() => ({ tokens: 0, at: () => 0 }), 20)
  const result = await load({ url: server.url.href, mode: 'unary', count: 4, seconds: 0.3 })
  expect(result.errors).toBe(0)
  expect(result.requests).toBeGreaterThanOrEqual(4)
  expect(result.p50).toBeGreaterThan(18)
  expect(result.requestsPerSecond).toBeLessThan(4 / 0.018)
})

it('opens connections at once, and keeps them', async () => {
  server = await tinyServer(() => ({ tokens: 0, at: () => 0 }))
  const url = server.url.href
  expect(await load({ url, mode: 'connect', count: 50 })).toMatchObject({ connections: 50, errors: 0 })
  const idle = await load({ url, mode: 'idle', count: 50, pid: process.pid })
  expect(idle).toMatchObject({ connections: 50, errors: 0 })
})

it('fills a queue and leaves it', async () => {
  server = await tinyServer(() => ({ tokens: 1, at: () => Number.POSITIVE_INFINITY }))
  const result = await load({ url: server.url.href, mode: 'queue', count: 50, pid: process.pid })
  expect(result).toMatchObject({ waiting: 50, errors: 0, problems: '' })
})

it('sends large prompts beside the streams', async () => {
  server = await tinyServer(() => ({ tokens: 40, at: k => 50 + 10 * k }))
  const result = await load({
    url: server.url.href,
    mode: 'stream',
    count: 1,
    tokens: 40,
    ttft: 50,
    itl: 10,
    disturb: 100_000,
  })
  expect(result.errors).toBe(0)
  expect(result.disturbance?.prompts).toBeGreaterThanOrEqual(1)
  expect(result.disturbance?.errors).toBe(0)
})
