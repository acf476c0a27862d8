import {
  Engine,
  type EngineObserver,
  FnvHasher,
  latencyModel,
  noLatency,
  repeatMode,
  StepCache,
  stepScheduling,
  Timeline,
  Token,
  VirtualClock,
} from '@vllm-sim/core-engine'
import { StepCost, seededRandom } from '@vllm-sim/latency'
import { createMetrics } from '@vllm-sim/metrics'
import { describe, expect, test } from 'vitest'
import { readTrace } from './read-trace.ts'
import { replay } from './replay.ts'
import type { ReplayEngine } from './replay-engine.ts'
import { compare, comparisonTable, Report, requestTable, TokenTimes } from './report.ts'
import type { TraceRequest } from './trace.ts'

const cost = new StepCost({
  host_ms: 1.3,
  mixed_ms: 2.7,
  weights_ms: 8.1,
  token_us: 21,
  seq_us: 17,
  ctx_us_per_ktok: 93,
  pair_us_per_ktok: 1.1,
  skew_us_per_ktok: 71,
})
const engine: ReplayEngine = {
  cost,
  blockSize: 16,
  numBlocks: 60,
  maxNumSeqs: 8,
  maxNumBatchedTokens: 256,
  maxModelLen: 2048,
  chunkedPrefill: true,
  longPrefillTokenThreshold: 0,
  policy: 'fcfs',
  watermark: 0,
  reserveFullInput: true,
  maxLoras: 0,
  caching: true,
  async: true,
  arrivalDelay: 0.4,
}

/** Requests of which every third shares the beginning of another. */
function workload(count: number): object[] {
  const random = seededRandom(7, 'workload')
  let at = 0
  return Array.from({ length: count }, (_, i) => {
    if (i > 0) at += random.int(0, 60)
    const input = random.int(20, 300)
    const shared = i % 3 === 0 ? 1 : 1000 * i
    const ids = Array.from({ length: Math.floor(input / 16) }, (_, block) => shared + block)
    return { timestamp: at, input_length: input, output_length: random.int(1, 60), hash_ids: ids }
  })
}

const traceOf = (rows: object[]) => readTrace(rows.map(row => JSON.stringify(row)).join('\n'), { blockSize: 16 })

function metricsOf() {
  const clock = new VirtualClock()
  const cacheConfig = { blockSize: 16, numGpuBlocks: engine.numBlocks }
  return { clock, metrics: createMetrics({ clock, modelName: 'm', maxModelLen: 2048, maxLoras: 1, cacheConfig }) }
}

/** Token ids that make the blocks which the trace names. */
function promptOf({ inputLength, hashIds = [] }: TraceRequest, number: number): number[] {
  return Array.from({ length: inputLength }, (_, at) => {
    const id = hashIds[Math.floor(at / 16)]
    return id === undefined ? 1e6 + number : Number(id)
  })
}

test('a server on a virtual clock and a replay agree to the last digit', async () => {
  const trace = traceOf(workload(60))
  const replayed = metricsOf()
  const ran = replay(trace, { engine, observer: replayed.metrics.observer })

  const { clock, metrics } = metricsOf()
  const cache = new StepCache({ size: engine.numBlocks, blockSize: 16, caching: true, hasher: new FnvHasher() })
  const times = new Map<string, number[]>()
  const observer: EngineObserver = {
    onFinished: ({ request, startedAt, firstTokenAt, lastTokenAt, cachedTokens }) =>
      times.set(request.id, [startedAt, firstTokenAt, lastTokenAt, cachedTokens]),
  }
  const server = new Engine({
    timeline: new Timeline(clock),
    seed: 1,
    maxNumSeqs: engine.maxNumSeqs,
    maxWaiting: 1000,
    maxModelLen: 2048,
    latency: latencyModel(noLatency),
    text: repeatMode(new Token(5, 'x')),
    cache,
    scheduling: stepScheduling({ ...engine, cache, cost: () => cost, numSpeculativeTokens: 0, numLookaheadTokens: 0 }),
    observers: [metrics.observer, observer],
  })
  for (const [at, request] of trace.requests.entries()) {
    clock.advanceTo(request.arrival)
    const limits = { maxTokens: request.outputLength, ignoreEos: true }
    server.submit(
      {
        id: String(at),
        model: 'm',
        prompts: [{ tokenIds: promptOf(request, at) }],
        n: 1,
        limits,
        arrival: clock.now(),
      },
      { onTokens: () => true, onFinish() {} },
    )
  }
  clock.runAll()
  expect(ran.requests.some(one => one.preemptions > 0)).toBe(true)
  expect(ran.requests.map(one => [one.startedAt, one.firstTokenAt, one.lastTokenAt, one.cachedTokens])).toEqual(
    trace.requests.map((_, at) => times.get(String(at))),
  )
  expect(await replayed.metrics.render()).toBe(await metrics.render())
})

test('the same trace gives the same table', () => {
  const run = () => requestTable(replay(traceOf(workload(40)), { engine }).requests)
  expect(run()).toBe(run())
})

test('requests of a session wait for the one before', () => {
  const rows = [
    { timestamp: 0, input_length: 10, output_length: 3, session_id: 's' },
    { delay: 100, input_length: 10, output_length: 3, session_id: 's' },
  ]
  const { requests } = replay(traceOf(rows), { engine })
  expect(requests[1]!.arrivedAt).toBe(requests[0]!.lastTokenAt + 100)
})

test('ranks in lockstep serve everybody, faster', () => {
  const trace = traceOf(workload(60))
  const [one, two] = [1, 2].map(ranks => replay(trace, { engine: { ...engine, ranks } }))
  const wait = ({ requests }: { requests: readonly { startedAt: number; arrivedAt: number }[] }) =>
    requests.reduce((sum, { startedAt, arrivedAt }) => sum + startedAt - arrivedAt, 0)
  expect(two!.requests.every(request => request.over)).toBe(true)
  expect(wait(two!)).toBeLessThan(wait(one!))
})

test('faster, fewer', () => {
  const trace = traceOf(workload(10))
  const { requests } = replay(trace, { engine, rate: 2, limit: 4 })
  expect(requests.map(one => one.arrivedAt)).toEqual(trace.requests.slice(0, 4).map(one => one.arrival / 2))
})

describe('what cannot be run', () => {
  test.each([
    [{ timestamp: 0, input_length: 5000, output_length: 1 }, 'more than the context of 2048'],
    [{ timestamp: 0, input_length: 1000, output_length: 10 }, 'more than the KV cache of 944 holds'],
    [{ timestamp: 0, input_length: 0, output_length: 1 }, 'request 1: input and output need a token at least'],
  ])('%j', (row, message) => {
    expect(() => replay(traceOf([row]), { engine })).toThrow(message)
  })
})

test('the report has the lines of vllm bench serve, and the errors are those against what was measured', () => {
  const rows = workload(30)
  const times = new TokenTimes()
  const result = replay(traceOf(rows), { engine, observer: times })
  const report = new Report(result, times)
  const text = report.table(1)
  for (const line of [
    'Successful requests:                     30',
    'Mean TTFT (ms):',
    'P99 ITL (ms):',
    'Preemptions:',
  ]) {
    expect(text).toContain(line)
  }
  const { completed, mean_ttft_ms } = JSON.parse(report.json(1))
  expect(completed).toBe(30)
  expect(report.csv(1).split('\n')[1]).toContain(`${mean_ttft_ms}`)
  const measured = traceOf(
    rows.map((row, at) => {
      const { arrivedAt, firstTokenAt, lastTokenAt } = result.requests[at]!
      return { ...row, first_token_ms: arrivedAt + (firstTokenAt - arrivedAt) / 1.1, last_token_ms: lastTokenAt }
    }),
  )
  const errors = compare(result, measured)!
  expect(errors.ttft.mean).toBeCloseTo(10, 6)
  expect(errors.ttft.mape).toBeCloseTo(10, 6)
  expect(errors.e2e.mape).toBeCloseTo(0, 6)
  expect(comparisonTable(errors)).toContain('TTFT        10.00')
})
