import type { RequestHandle } from '@vllm-sim/core-engine'
import { cpuTime } from '../measure/cpu-time.ts'
import { median } from '../measure/quantiles.ts'
import type { MetricName } from '../report/metrics.ts'
import { buildEngine, CountingSink, constantLatency, request, usedBytes } from './build.ts'
import type { EngineFigures } from './figures.ts'

const largest = 100_000
/** Tokens of a prompt. Each request has ids of its own, as on a server. */
const promptTokens = 20

/**
 * Requests that wait for one slot: what each costs to take in, to withdraw from somewhere in the queue, and to serve and
 * end. At ten times as many the figures should stay alike.
 */
export function measureQueues(): EngineFigures[] {
  measure(2000)
  return [1000, 10_000, 100_000].map(count => {
    // Small counts are over so quickly that one of them says little.
    const several = Array.from({ length: Math.min(9, largest / count) }, () => measure(count))
    const middle = (name: MetricName): number => median(several.map(({ values }) => values[name] ?? Number.NaN))
    return {
      title: several[0]!.title,
      values: Object.fromEntries(Object.keys(several[0]!.values).map(name => [name, middle(name as MetricName)])),
    }
  })
}

function measure(count: number): EngineFigures {
  const { engine, clock } = buildEngine({ slots: 1, latency: constantLatency(1, 0) })
  const sink = new CountingSink()
  const before = usedBytes()
  const handles: RequestHandle[] = []
  const requests = Array.from({ length: count }, (_, at) =>
    request(
      Array.from({ length: promptTokens }, (_, token) => at * promptTokens + token),
      1,
      0,
    ),
  )
  let start = cpuTime()
  for (const one of requests) handles.push(engine.submit(one, sink))
  const submit = cpuTime() - start
  requests.length = 0
  const bytes = usedBytes() - before
  const { waiting } = engine.snapshot()

  // Every second one leaves, from all over the queue.
  const order = Array.from({ length: count >> 1 }, (_, at) => 2 * ((at * 7919) % (count >> 1)) + 1)
  start = cpuTime()
  for (const at of order) handles[at]!.abort()
  const abort = cpuTime() - start
  const left = count - sink.finished

  start = cpuTime()
  clock.runAll()
  const finish = cpuTime() - start
  if (sink.finished !== count) throw new Error(`${sink.finished} of ${count} requests ended`)
  return {
    title: `${count.toLocaleString('en')} requests wait, engine alone`,
    values: {
      waiting,
      submitMicroseconds: (submit * 1000) / count,
      abortMicroseconds: (abort * 1000) / order.length,
      finishMicroseconds: (finish * 1000) / left,
      bytesEach: bytes / count,
    },
  }
}
