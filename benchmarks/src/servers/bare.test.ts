import { afterEach, expect, it } from 'vitest'
import { runLoad } from './client.ts'
import { type RunningServer, start } from './start.ts'
import { bare } from './systems.ts'

let server: RunningServer | undefined
afterEach(() => server?.stop())

/** Both sides in processes of their own, as in a benchmark. */
it('serves what it is configured for, and the client process says what that cost', async () => {
  server = await start(bare, { ttft: 30, itl: 5 })
  const target = { url: server.url.href, pid: server.pid }
  const stream = await runLoad({ ...target, mode: 'stream', count: 20, tokens: 20, ttft: 30, itl: 5 })
  expect(stream).toMatchObject({ requests: 20, errors: 0, chunks: 20 * 22 })
  expect(stream.overdueP50).toBeGreaterThanOrEqual(0)
  const unary = await runLoad({ ...target, mode: 'unary', count: 4, seconds: 0.3 })
  expect(unary.errors).toBe(0)
  expect(unary.requests).toBeGreaterThan(4)
  if (process.platform === 'linux') {
    expect(stream.cpuPerChunk).toBeGreaterThan(0)
    expect(unary.cpuPerRequest).toBeGreaterThan(0)
    expect(unary.serverRss).toBeGreaterThan(20)
  }
})
