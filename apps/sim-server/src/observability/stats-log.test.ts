import { type ObservedSequence, VirtualClock } from '@vllm-sim/core-engine'
import type { Logger } from '@vllm-sim/service'
import { expect, test } from 'vitest'
import { StatsLog } from './stats-log.ts'

function start(speed = 1) {
  const timer = new VirtualClock()
  const lines: string[] = []
  const state = { running: 0, waiting: 0, cacheUsage: 0, sleeping: false }
  // A scaled simulation: `speed` simulated milliseconds per real one.
  const clock = Object.assign(Object.create(timer), { now: () => timer.now() * speed })
  const stats = new StatsLog({
    log: { info: (line: string) => lines.push(line) } as unknown as Logger,
    clock,
    timer,
    interval: 10_000,
    engineIndex: 2,
    snapshot: () => state,
  })
  stats.start()
  return { timer, lines, state, stats }
}

const fresh = { firstTokenAt: -1, promptTokens: 50 } as ObservedSequence
const running = { firstTokenAt: 5, promptTokens: 50 } as ObservedSequence

test("the line is vLLM's; nothing is written while nothing happens, and once more when all is quiet again", () => {
  const { timer, lines, state, stats } = start()
  timer.advance(60_000)
  expect(lines).toEqual([])

  stats.onTokens(fresh, 1)
  stats.onTokens(running, 24)
  stats.onPrefixLookup(100, 25)
  Object.assign(state, { running: 3, waiting: 2, cacheUsage: 0.125 })
  timer.advance(10_000)
  expect(lines).toEqual([
    'Engine 002: Avg prompt throughput: 5.0 tokens/s, Avg generation throughput: 2.5 tokens/s, Running: 3 reqs, ' +
      'Waiting: 2 reqs, GPU KV cache usage: 12.5%, Prefix cache hit rate: 25.0%',
  ])

  Object.assign(state, { running: 0, waiting: 0, cacheUsage: 0 })
  timer.advance(50_000)
  expect(lines).toHaveLength(2)
  expect(lines[1]).toContain('Avg generation throughput: 0.0 tokens/s, Running: 0 reqs')
})

test('a request that waits is activity, and throughput is per simulated second', () => {
  const { timer, lines, state, stats } = start(10)
  state.waiting = 1
  timer.advance(20_000)
  expect(lines).toHaveLength(2)
  stats.onTokens(running, 1000)
  timer.advance(10_000)
  expect(lines[2]).toContain('Avg generation throughput: 10.0 tokens/s')
  stats.stop()
  timer.advance(60_000)
  expect(lines).toHaveLength(3)
})

test('the hit rate is that of the last thousand lookups', () => {
  const { timer, lines, stats } = start()
  for (let i = 0; i < 5000; i++) stats.onPrefixLookup(10, 0)
  for (let i = 0; i < 500; i++) stats.onPrefixLookup(10, 10)
  stats.onTokens(fresh, 1)
  timer.advance(10_000)
  expect(lines[0]).toContain('Prefix cache hit rate: 50.0%')
})
