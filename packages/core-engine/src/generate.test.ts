import { expect, test } from 'vitest'
import { Harness } from './testing/harness.ts'

const request = (harness: Harness, maxTokens: number, n = 1) => ({
  id: 'r',
  model: 'm',
  prompts: [{ tokenIds: [1, 2, 3] }],
  n,
  limits: { maxTokens, ignoreEos: true },
  arrival: harness.clock.now(),
})

test('yields tokens as they fall due, then how each choice ended', async () => {
  const harness = new Harness({ latency: { timeToFirstToken: 100, interTokenLatency: 10 } })
  const seen: [number, number, string][] = []
  const read = (async () => {
    for await (const piece of harness.engine.generate(request(harness, 3, 2))) {
      const what = piece.type === 'tokens' ? `${piece.tokens.length}` : piece.outcome.finishReason
      seen.push([harness.clock.now(), piece.index, what])
    }
  })()
  while (harness.clock.step()) await new Promise(resolve => setImmediate(resolve))
  await read
  expect(seen).toEqual([
    ...[100, 110].flatMap(at => [0, 1].map(index => [at, index, '1'])),
    ...[0, 1].flatMap(index => [
      [120, index, '1'],
      [120, index, 'length'],
    ]),
  ])
})

test('who leaves the loop aborts the request', async () => {
  const harness = new Harness({ maxNumSeqs: 1, latency: { timeToFirstToken: 1, interTokenLatency: 1 } })
  const stream = harness.engine.generate(request(harness, 500, 3))
  harness.clock.advance(5)
  for await (const piece of stream) {
    expect(piece.type).toBe('tokens')
    break
  }
  expect(harness.engine.snapshot()).toMatchObject({ running: 0, waiting: 0 })
  expect(await stream.next()).toEqual({ value: undefined, done: true })
})

test('a slow consumer is not run over: what waits for it is bounded, and nothing is lost', async () => {
  const harness = new Harness({ maxModelLen: 100_000 })
  const stream = harness.engine.generate(request(harness, 20_000))
  harness.clock.runAll()
  let tokens = 0
  let reason = ''
  for await (const piece of stream) {
    if (piece.type === 'tokens') tokens += piece.tokens.length
    else reason = piece.outcome.finishReason
    harness.clock.runAll()
  }
  expect([tokens, reason]).toEqual([20_000, 'length'])
})

test('a refused request throws at the call, and a failed one ends with its error', async () => {
  const harness = new Harness({ maxNumSeqs: 1, maxWaiting: 0, maxModelLen: 10 })
  expect(() => harness.engine.generate(request(harness, 1, 5))).toThrow('waiting requests queue is full')
  const { value } = await harness.engine.generate(request(harness, 50)).next()
  expect(value).toMatchObject({ type: 'finish', outcome: { finishReason: 'error', error: { status: 400 } } })
})
