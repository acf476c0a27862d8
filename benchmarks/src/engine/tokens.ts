import { createMetrics } from '@vllm-sim/metrics'
import { cpuTime } from '../measure/cpu-time.ts'
import { buildEngine, CountingSink, constantLatency, request } from './build.ts'
import type { EngineFigures } from './figures.ts'

const streams = 1000
const tokens = 1000
/** The best of this many counts: what a garbage collection or another process took is not the engine's. */
const repetitions = 3

/** A million tokens of the engine alone, without any transport. */
export function measureTokens(): EngineFigures[] {
  return [
    figures(`${streams} streams × 20 ms on the virtual clock, without observers`, 20, false),
    figures(`${streams} streams × 20 ms on the virtual clock, with metrics`, 20, true),
    figures(`${streams} streams, one after the other, unpaced, with metrics`, 0, true),
  ]
}

function figures(title: string, itl: number, observed: boolean): EngineFigures {
  run(itl, observed, 100)
  const best = Math.min(...Array.from({ length: repetitions }, () => run(itl, observed, tokens)))
  const perToken = (best * 1000) / (streams * tokens)
  return { title, values: { microsecondsPerToken: perToken, tokensPerSecond: 1e6 / perToken } }
}

/** @returns milliseconds of CPU from the first submit to the last end */
function run(itl: number, observed: boolean, each: number): number {
  const latency = constantLatency(itl === 0 ? 0 : 50, itl)
  const observers = observed ? [metricsObserver()] : []
  const { engine, clock } = buildEngine({ slots: streams, latency, observers })
  const sink = new CountingSink()
  const ids = Array.from({ length: 20 }, (_, at) => at)
  const start = cpuTime()
  for (let at = 0; at < streams; at++) {
    engine.submit(request([...ids, at], each, clock.now()), sink)
    // Streams that began at different times are due at different times.
    if (itl > 0) clock.advance((7 * itl) / streams)
  }
  clock.runAll()
  const spent = cpuTime() - start
  if (sink.tokens !== streams * each) throw new Error(`${sink.tokens} instead of ${streams * each} tokens`)
  return spent
}

/** The server's metrics. */
export function metricsObserver(): ReturnType<typeof createMetrics>['observer'] {
  const { clock } = buildEngine({ slots: 1, latency: constantLatency(0, 0) })
  return createMetrics({
    clock,
    modelName: 'm',
    maxModelLen: 32_768,
    maxLoras: 1,
    cacheConfig: { blockSize: 16, numGpuBlocks: 1024 },
  }).observer
}
