import {
  Engine,
  type EngineObserver,
  FnvHasher,
  latencyModel,
  noLatency,
  RealClock,
  repeatMode,
  StepCache,
  stepScheduling,
  Timeline,
  Token,
} from '@vllm-sim/core-engine'
import { ScaledClock, StepCost, seededRandom } from '@vllm-sim/latency'
import { expect, test } from 'vitest'
import { readTrace } from './read-trace.ts'
import { replay } from './replay.ts'

const cost = new StepCost({
  host_ms: 2,
  mixed_ms: 3,
  weights_ms: 12,
  token_us: 60,
  seq_us: 20,
  ctx_us_per_ktok: 100,
  pair_us_per_ktok: 1,
  skew_us_per_ktok: 50,
})
const engine = {
  cost,
  blockSize: 16,
  numBlocks: 400,
  maxNumSeqs: 8,
  maxNumBatchedTokens: 512,
  maxModelLen: 2048,
  chunkedPrefill: true,
  longPrefillTokenThreshold: 0,
  policy: 'fcfs',
  watermark: 0,
  reserveFullInput: true,
  maxLoras: 0,
  caching: true,
  async: true,
  arrivalDelay: 0.5,
} as const

interface Served {
  readonly timestamp: number
  readonly input_length: number
  readonly output_length: number
  readonly first: number
  readonly last: number
}

/** Serves requests on the machine's clock, twenty times as fast, and stops the process for a while in between. */
function serveLive(count: number): Promise<Served[]> {
  const real = new RealClock()
  const clock = new ScaledClock(real, 20)
  const cache = new StepCache({ size: engine.numBlocks, blockSize: 16, caching: true, hasher: new FnvHasher() })
  const served: Served[] = []
  const random = seededRandom(5, 'live')
  return new Promise(resolve => {
    const observer: EngineObserver = {
      onFinished({ request, promptTokens, generatedTokens, firstTokenAt: first, lastTokenAt: last }) {
        const { arrival: timestamp } = request
        served.push({ timestamp, input_length: promptTokens, output_length: generatedTokens, first, last })
        if (served.length === count) resolve(served.sort((a, b) => a.timestamp - b.timestamp))
      },
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
      scheduling: stepScheduling({
        ...engine,
        cache,
        cost: () => cost,
        numSpeculativeTokens: 0,
        numLookaheadTokens: 0,
      }),
      observers: [observer],
    })
    const send = (at: number): void => {
      if (at === count) return
      const tokenIds = new Array<number>(random.int(50, 600)).fill(at)
      const limits = { maxTokens: random.int(5, 60), ignoreEos: true }
      server.submit(
        { id: String(at), model: 'm', prompts: [{ tokenIds }], n: 1, limits, arrival: clock.now() },
        { onTokens: () => true, onFinish() {} },
      )
      if (at === Math.floor(count / 2)) for (const end = real.now() + 200; real.now() < end; );
      real.timer(random.int(0, 12), () => send(at + 1))
    }
    send(0)
  })
}

test('a live server is on time with a replay of what it was sent, also when the machine stopped for 200 ms', async () => {
  const served = await serveLive(40)
  const trace = readTrace(served.map(row => JSON.stringify(row)).join('\n'), { blockSize: 16 })
  const { requests } = replay(trace, { engine })
  for (const [at, { timestamp, first, last }] of served.entries()) {
    const one = requests[at]!
    for (const [live, simulated] of [
      [first - timestamp, one.firstTokenAt - one.arrivedAt],
      [last - timestamp, one.lastTokenAt - one.arrivedAt],
    ] as const) {
      expect(Math.abs(live - simulated), `request ${at}: ${live} and ${simulated}`).toBeLessThanOrEqual(
        Math.max(2, 0.01 * simulated),
      )
    }
  }
})
