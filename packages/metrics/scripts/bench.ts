// What metrics cost: `node packages/metrics/scripts/bench.ts`. Times are printed beside prom-client's own histogram in
// the same run, because only the ratio means anything on another machine.
import { type ObservedSequence, type Outcome, RealClock } from '@vllm-sim/core-engine'
import { createMetrics } from '@vllm-sim/metrics'

const clock = new RealClock()
const atStart = clock.now()
const { Histogram, Registry } = await import('prom-client')
const entryImport = clock.now() - atStart

const metrics = createMetrics({
  clock,
  modelName: 'meta-llama/Llama-3.1-8B-Instruct',
  maxModelLen: 131_072,
  maxLoras: 4,
  cacheConfig: { blockSize: 16, numGpuBlocks: 20_000 },
})
const { observer } = metrics
const reference = new Histogram({
  name: 'reference',
  help: 'The same buckets.',
  labelNames: ['model_name'],
  buckets: [0.01, 0.025, 0.05, 0.075, 0.1, 0.15, 0.2, 0.3, 0.4, 0.5, 0.75, 1, 2.5, 5, 7.5, 10, 20, 40, 80],
  registers: [new Registry()],
})

function sequence(index: number): ObservedSequence {
  const request = { id: 'r', model: 'm', prompts: [{ tokenIds: [1] }], n: 1, limits: { maxTokens: 100 }, arrival: 0 }
  const times = { arrivedAt: 0, queuedAt: -1, startedAt: 0, firstTokenAt: 50, lastTokenAt: 100 + (index % 64) }
  return { request, index: 0, promptTokens: 100, cachedTokens: 16, generatedTokens: 10, ...times }
}
const sequences = Array.from({ length: 2000 }, (_, index) => sequence(index))
const outcome: Outcome = {
  finishReason: 'length',
  stopReason: null,
  promptTokens: 100,
  cachedTokens: 16,
  completionTokens: 100,
  reasoningTokens: 0,
}

/** Best of several runs, in microseconds per operation. */
async function measure(name: string, operations: number, run: () => void | Promise<void>): Promise<void> {
  let best = Number.POSITIVE_INFINITY
  for (let round = 0; round < 7; round++) {
    const begun = clock.now()
    await run()
    best = Math.min(best, clock.now() - begun)
  }
  process.stdout.write(`${name.padEnd(46)} ${((best * 1000) / operations).toFixed(3)} µs\n`)
}

const rounds = 200
const tokens = rounds * sequences.length
await measure('token of a wake-up of 2,000 (all metrics)', tokens, () => {
  for (let round = 0; round < rounds; round++) {
    for (const each of sequences) observer.onTokens!(each, 1, 180 + round)
  }
})
await measure('the same through prom-client, one histogram', tokens, () => {
  for (let round = 0; round < rounds; round++) {
    for (const each of sequences) {
      reference.observe({ model_name: 'm' }, (180 + round - each.lastTokenAt) / 1000)
    }
  }
})
await measure('start and end of a request', 20 * sequences.length, () => {
  for (let round = 0; round < 20; round++) {
    for (const each of sequences) {
      observer.onStarted!(each, 1)
      observer.onFinished!(each, outcome, 1200)
    }
  }
})
await measure('HTTP request', 100_000, () => {
  for (let i = 0; i < 100_000; i++) metrics.http.record('/v1/chat/completions', 'POST', 200, 0.2, 500, 9000)
})
let size = 0
await measure('scrape', 200, async () => {
  for (let i = 0; i < 200; i++) size = Buffer.from(await metrics.render()).length
})
await measure('scrape, prom-client writes the text', 50, async () => {
  for (let i = 0; i < 50; i++) Buffer.from(await metrics.registry.metrics())
})
process.stdout.write(`${metrics.registry.getMetricsAsArray().length} families, ${size} bytes; `)
process.stdout.write(`importing prom-client's entry, which this package does not, took ${entryImport.toFixed(0)} ms\n`)
