import { describe, expect, test } from 'vitest'
import type { KvCacheEvent, ObservedSequence } from '../events.ts'
import type { HeldBlocks } from '../hand-over.ts'
import { Harness, sentences, stepOptions } from '../testing/harness.ts'
import { echoMode } from '../text-source.ts'

const ids = (count: number, from = 1): number[] => Array.from({ length: count }, (_, at) => from + at)
const prompt = (count: number, from = 1) => ({ prompts: [{ tokenIds: ids(count, from) }] })

describe('what vLLM does, on the clock of the engine', () => {
  test('asynchronous: who waits for a slot gets it two steps after it is free', () => {
    const harness = new Harness({ ...stepOptions(), maxNumSeqs: 2 })
    const a = harness.submit({ ...prompt(10), tokens: 3 })
    const b = harness.submit({ ...prompt(3, 100), tokens: 2 })
    const c = harness.submit({ ...prompt(2, 200), tokens: 1 })
    harness.clock.runAll()
    expect(a.sink.one.at).toEqual([20, 30, 40])
    expect(b.sink.one.at).toEqual([20, 30])
    expect(c.sink.one.at).toEqual([50])
  })

  test('synchronous: one step after', () => {
    const harness = new Harness({ ...stepOptions({ async: false }), maxNumSeqs: 2 })
    const a = harness.submit({ ...prompt(10), tokens: 3 })
    const b = harness.submit({ ...prompt(3, 100), tokens: 2 })
    const c = harness.submit({ ...prompt(2, 200), tokens: 1 })
    harness.clock.runAll()
    expect([a, b, c].map(one => one.sink.one.at)).toEqual([[20, 30, 40], [20, 30], [40]])
  })

  test('who arrives while a step runs gets into the one after the next', () => {
    const harness = new Harness({ ...stepOptions(), maxNumSeqs: 2 })
    const a = harness.submit({ ...prompt(4), tokens: 4 })
    harness.clock.advance(5)
    const b = harness.submit({ ...prompt(4, 100), tokens: 2 })
    harness.clock.runAll()
    expect([a, b].map(one => one.sink.one.at)).toEqual([
      [10, 20, 30, 40],
      [30, 40],
    ])
  })

  test.each([
    [true, [90, 100, 110, 120, 130, 140]],
    [false, [90, 100, 110, 120, 130, 140]],
  ])('short of blocks the last one is preempted and comes back (prefix caching %s)', (caching, later) => {
    const seen: string[] = []
    const observer = {
      onStarted: ({ request }: ObservedSequence, now: number) => seen.push(`${request.id} started ${now}`),
      onPreempted: ({ request }: ObservedSequence, now: number) => seen.push(`${request.id} preempted ${now}`),
    }
    const steps = stepOptions({ blocks: 6, maxNumBatchedTokens: 16, caching })
    const harness = new Harness({ ...steps, maxNumSeqs: 4, observers: [observer] })
    const a = harness.submit({ id: 'a', ...prompt(7), tokens: 8 })
    const b = harness.submit({ id: 'b', ...prompt(7, 100), tokens: 8 })
    harness.clock.runAll()
    expect(a.sink.one.at).toEqual([10, 20, 30, 40, 50, 60, 70, 80])
    expect(b.sink.one.at).toEqual([10, 20, ...later])
    expect(seen).toEqual(['a started 0', 'b started 0', 'b preempted 10', 'b started 80'])
    expect(b.sink.one.outcome).toMatchObject({ finishReason: 'length', cachedTokens: 0 })
    expect(harness.engine.snapshot()).toMatchObject({ running: 0, waiting: 0, cacheUsage: 0 })
  })

  test('a smaller priority is served first', () => {
    const harness = new Harness({ ...stepOptions({ policy: 'priority' }), maxNumSeqs: 1 })
    harness.submit({ ...prompt(4), tokens: 2 })
    harness.clock.advance(1)
    const late = harness.submit({ ...prompt(4, 100), tokens: 1 })
    harness.clock.advance(1)
    const urgent = harness.submit({ ...prompt(4, 200), tokens: 1, priority: -1 })
    harness.clock.runAll()
    expect(urgent.sink.one.at[0]).toBeLessThan(late.sink.one.at[0]!)
  })
})

test.each([
  [false, [30, 40], [50, 60]],
  [true, [30, 40], [40, 50]],
])('the first step lasts longer; whether the second one is composed only then: %s', (first_step_blocks, a, b) => {
  const cost = { first_step_ms: 20, first_step_blocks }
  const harness = new Harness({ ...stepOptions({ cost }), maxNumSeqs: 2 })
  const first = harness.submit({ ...prompt(4), tokens: 2 })
  harness.clock.advance(15)
  const second = harness.submit({ ...prompt(4, 100), tokens: 2 })
  harness.clock.runAll()
  expect([first.sink.one.at, second.sink.one.at]).toEqual([a, b])
})

describe('what the engine promises', () => {
  test('a prompt that was there before is cached, and so is an answer', () => {
    const events: KvCacheEvent[] = []
    const harness = new Harness({ ...stepOptions(), observers: [{ onCacheEvent: event => events.push(event) }] })
    const first = harness.submit({ ...prompt(8), tokens: 9 })
    harness.clock.runAll()
    const output = events.flatMap(event => (event.type === 'BlockStored' ? [...Array.from(event.tokenIds)] : []))
    expect(output.slice(0, 8)).toEqual(ids(8))
    expect(output).toHaveLength(16)
    const again = harness.submit({ prompts: [{ tokenIds: [...output, 1] }], tokens: 1 })
    harness.clock.runAll()
    expect(first.sink.one.outcome?.cachedTokens).toBe(0)
    expect(again.sink.one.outcome?.cachedTokens).toBe(16)
  })

  test('an abort frees slot and blocks at once, in the middle of a prefill too', () => {
    const harness = new Harness({ ...stepOptions(), maxNumSeqs: 1 })
    const long = harness.submit({ ...prompt(100), tokens: 5 })
    const next = harness.submit({ ...prompt(4, 500), tokens: 1 })
    harness.clock.advance(15)
    expect(harness.engine.snapshot().cacheUsage).toBeGreaterThan(0)
    long.handle.abort()
    expect(harness.engine.snapshot()).toMatchObject({ running: 0, waiting: 1, cacheUsage: 0 })
    harness.clock.runAll()
    expect(next.sink.one.outcome?.finishReason).toBe('length')
    expect(harness.timeline.size).toBe(0)
  })

  test('a held reader slows nobody and gets all of it afterwards', () => {
    const harness = new Harness(stepOptions())
    const held = harness.submit({ ...prompt(4), tokens: 6 })
    const other = harness.submit({ ...prompt(4, 100), tokens: 6 })
    held.sink.ready = false
    harness.clock.advance(200)
    expect(other.sink.one.at).toEqual([10, 20, 30, 40, 50, 60])
    expect(harness.engine.snapshot()).toMatchObject({ running: 0, waiting: 0, cacheUsage: 0 })
    held.sink.ready = true
    held.handle.resume()
    harness.clock.runAll()
    expect(held.sink.one.at).toHaveLength(6)
    expect(held.sink.one.outcome?.finishReason).toBe('length')
  })

  test('what no cache holds is refused at once; what grows out of it ends with an error', () => {
    const harness = new Harness(stepOptions({ blocks: 5 }))
    const large = harness.submit({ ...prompt(16), tokens: 1 })
    const growing = harness.submit({ ...prompt(8, 100), tokens: 100 })
    const small = harness.submit({ ...prompt(4, 200), tokens: 2 })
    expect(large.sink.one.outcome?.error?.message).toContain('it needs 5 blocks, the cache has 4')
    harness.clock.runAll()
    expect(growing.sink.one.outcome?.error?.message).toContain('the cache has 4')
    expect(small.sink.one.outcome?.finishReason).toBe('length')
    expect(harness.engine.snapshot()).toMatchObject({ running: 0, waiting: 0, cacheUsage: 0 })
  })

  test('what is longer than the context takes no more time there', () => {
    const harness = new Harness({ ...stepOptions({ maxModelLen: 12 }), maxModelLen: 12, text: echoMode })
    const tokenIds = ids(8)
    const echo = sentences.flat().slice(0, 8)
    const { sink } = harness.submit({ prompts: [{ tokenIds, echo }], limits: { maxTokens: 2 } })
    harness.clock.runAll()
    expect(sink.one.at).toEqual([10, 20, 30, 40, 40, 40, 40, 40])
    expect(harness.engine.snapshot()).toMatchObject({ running: 0, cacheUsage: 0 })
  })

  test('texts do not depend on the scheduling', () => {
    const texts = [{}, stepOptions(), stepOptions({ blocks: 12, async: false, policy: 'priority' as const })].map(
      options => {
        const harness = new Harness(options)
        const all = [3, 5, 2, 4].map((length, at) =>
          harness.submit({ ...prompt(length, at * 50), limits: { maxTokens: 20, stop: ['you'] } }),
        )
        harness.clock.runAll()
        return all.map(one => [one.sink.one.text, one.sink.one.outcome?.finishReason])
      },
    )
    expect(texts[1]).toEqual(texts[0])
    expect(texts[2]).toEqual(texts[0])
  })

  test('adapters beyond the slots wait', () => {
    const harness = new Harness({ ...stepOptions({ maxLoras: 1 }), maxLoras: 1 })
    harness.engine.loras.register('x', '')
    harness.engine.loras.register('y', '')
    const x = harness.submit({ ...prompt(4), lora: 'x', tokens: 3 })
    const y = harness.submit({ ...prompt(4, 100), lora: 'y', tokens: 1 })
    const z = harness.submit({ ...prompt(4, 200), lora: 'x', tokens: 1 })
    harness.clock.runAll()
    expect([x, y, z].map(one => one.sink.one.at[0])).toEqual([10, 40, 10])
  })

  test('lateness changes neither the steps nor who is in them', () => {
    const times = [1, 200].map(stride => {
      const harness = new Harness(stepOptions())
      const ends: number[] = []
      harness.engine.observe({ onStep: (_tokens, _running, _waiting, now) => ends.push(now) })
      harness.submit({ ...prompt(20), tokens: 10 })
      for (let at = 0; at < 400; at += stride) harness.clock.advance(stride)
      return ends
    })
    expect(times[1]).toEqual(times[0])
  })

  test('a step is told with its tokens, the prompts of first tokens included', () => {
    const steps: number[][] = []
    const harness = new Harness({ ...stepOptions(), observers: [{ onStep: (...step) => steps.push(step) }] })
    harness.submit({ ...prompt(10), tokens: 3 })
    harness.clock.runAll()
    expect(steps).toEqual([
      [0, 1, 0, 10],
      [11, 1, 0, 20],
      [1, 1, 0, 30],
      [1, 0, 0, 40],
    ])
  })

  test('blocks that are kept for another instance make others wait, and nobody is refused for them', () => {
    const kept: HeldBlocks[] = []
    const handOver = (_: unknown, blocks: HeldBlocks) => {
      kept.push(blocks)
      return {}
    }
    const harness = new Harness({ ...stepOptions({ blocks: 5 }), handOver })
    harness.submit({ ...prompt(13), tokens: 1, kvTransfer: { doRemoteDecode: true } })
    const next = harness.submit({ ...prompt(8, 100), tokens: 1 })
    harness.clock.runAll()
    expect(kept[0]?.ids).toEqual([1, 2, 3])
    expect(harness.engine.snapshot()).toMatchObject({ running: 0, waiting: 1, cacheUsage: 0.75 })
    kept[0]!.release()
    harness.clock.runAll()
    expect(next.sink.one.outcome?.finishReason).toBe('length')
    expect(harness.engine.snapshot()).toMatchObject({ running: 0, waiting: 0, cacheUsage: 0 })
  })

  test('sleep drops what is cached; with nothing in use the cache can be reset', () => {
    const harness = new Harness(stepOptions())
    const run = () => {
      const { sink } = harness.submit({ ...prompt(9), tokens: 1 })
      harness.clock.runAll()
      return sink.one.outcome?.cachedTokens
    }
    expect([run(), run()]).toEqual([0, 8])
    expect(harness.engine.resetPrefixCache()).toBe(true)
    expect([run(), run()]).toEqual([0, 8])
    harness.engine.sleep()
    expect([run(), run()]).toEqual([0, 0])
    harness.engine.wake()
    expect([run(), run()]).toEqual([0, 8])
  })
})
