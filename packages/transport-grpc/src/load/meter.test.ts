import { Engine, latencyModel, noLatency, randomMode, Timeline, Token, VirtualClock } from '@vllm-sim/core-engine'
import { expect, test } from 'vitest'
import { LoadMeter } from './meter.ts'

test('throughput is that of the last two seconds, waiting tokens are those of the queue', () => {
  const clock = new VirtualClock(1_000_000)
  const meter = new LoadMeter()
  const engine = new Engine({
    timeline: new Timeline(clock),
    seed: 1,
    maxNumSeqs: 1,
    maxWaiting: 10,
    maxModelLen: 1000,
    latency: latencyModel({ ...noLatency, interTokenLatency: 100, maxNumSeqs: 1 }),
    text: randomMode([[new Token(1, 'a')]]),
    observers: [meter],
  })
  const submit = () =>
    engine.submit(
      {
        id: '',
        model: 'm',
        prompts: [{ tokenIds: [1, 2, 3] }],
        n: 1,
        limits: { maxTokens: 51, ignoreEos: true },
        arrival: clock.now(),
      },
      { onTokens: () => true, onFinish: () => {} },
    )
  submit()
  const second = submit()
  submit()
  expect(meter.waitingTokens).toBe(6)
  expect(meter.hitRate).toBe(0)
  clock.advance(4000)
  expect(meter.throughput(clock.now())).toBeCloseTo(10, 0)
  expect(meter.lastTokenAt).toBe(clock.now())
  second.abort()
  expect(meter.waitingTokens).toBe(3)
  clock.advance(1000)
  expect(meter.waitingTokens).toBe(0)
  clock.runAll()
  clock.advance(3000)
  expect(meter.throughput(clock.now())).toBe(0)
})

test('the hit rate is that of the last 64 first tokens', () => {
  const meter = new LoadMeter()
  expect(meter.hitRate).toBeUndefined()
  const first = (promptTokens: number, cachedTokens: number) =>
    meter.onTokens({ promptTokens, cachedTokens, firstTokenAt: -1 } as never, 1, 0)
  first(10, 0)
  first(10, 10)
  expect(meter.hitRate).toBe(0.5)
  for (let i = 0; i < 64; i++) first(100, 25)
  expect(meter.hitRate).toBe(0.25)
})
