import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { EngineObserver } from './events.ts'
import { FnvHasher } from './kv/index.ts'
import { PrefixCache } from './prefix-cache.ts'
import { randomMode } from './random-text.ts'
import type { OutputPlan } from './request.ts'
import { type Harness as H, Harness, sentences } from './testing/harness.ts'
import { echoMode, type TextMode, type TextSource } from './text-source.ts'
import { Token } from './token.ts'

const words = (text: string): Token[] => text.split(/(?<= )/).map((word, at) => new Token(at, word))

describe('pacing', () => {
  test('token k is due at exactly TTFT + k·ITL, whatever the other requests do', () => {
    const request = fc.record({ at: fc.nat(500), tokens: fc.integer({ min: 1, max: 60 }) })
    fc.assert(
      fc.property(
        fc.double({ min: 0.1, max: 50, noNaN: true }),
        fc.double({ min: 0.1, max: 20, noNaN: true }),
        fc.array(request, { minLength: 1, maxLength: 20 }),
        (ttft, itl, requests) => {
          const harness = new Harness({ maxNumSeqs: 20, latency: { timeToFirstToken: ttft, interTokenLatency: itl } })
          const sent = [...requests]
            .sort((a, b) => a.at - b.at)
            .map(({ at, tokens }) => {
              harness.clock.advanceTo(at)
              return { start: harness.clock.now(), tokens, ...harness.submit({ tokens }) }
            })
          harness.clock.runAll()
          for (const { start, tokens, sink } of sent) {
            expect(sink.one.at).toEqual(Array.from({ length: tokens }, (_, k) => start + ttft + k * itl))
          }
        },
      ),
      // A wake-up armed from another time than the request's start: a delay instead of a time would round.
      {
        examples: [
          [
            0.12410423778134129,
            12.637452712969877,
            [
              { at: 1, tokens: 1 },
              { at: 0, tokens: 2 },
            ],
          ],
        ],
      },
    )
  })

  test('a slow wake-up delays its own tokens only', () => {
    const harness = new Harness({ latency: { timeToFirstToken: 10, interTokenLatency: 10 } })
    const { sink } = harness.submit({ tokens: 6 })
    harness.timeline.at(15, () => harness.clock.advanceTo(37))
    harness.clock.runAll()
    expect(sink.one.at).toEqual([10, 37, 37, 40, 50, 60])
  })

  test('no latency: the whole answer is there when submit returns', () => {
    const harness = new Harness()
    const { sink } = harness.submit({ tokens: 50 })
    expect(sink.one).toMatchObject({ finishes: 1, outcome: { finishReason: 'length', completionTokens: 50 } })
  })

  test('a live change of the latency counts from the next token on', () => {
    const harness = new Harness({ latency: { timeToFirstToken: 10, interTokenLatency: 10 } })
    const { sink } = harness.submit({ tokens: 4 })
    harness.clock.advance(15)
    harness.engine.latency = new Harness({ latency: { interTokenLatency: 100 } }).engine.latency
    harness.clock.runAll()
    expect(sink.one.at).toEqual([10, 20, 120, 220])
  })

  test('a held sequence gets at once what fell due meanwhile, and then its old deadlines', () => {
    const harness = new Harness({ latency: { timeToFirstToken: 10, interTokenLatency: 10 } })
    const { sink, handle } = harness.submit({ tokens: 6 })
    sink.ready = false
    harness.clock.advance(35)
    expect(sink.one.at).toEqual([10])
    sink.ready = true
    handle.resume()
    harness.clock.runAll()
    expect(sink.one.at).toEqual([10, 35, 35, 40, 50, 60])
    expect(sink.one.finishes).toBe(1)
  })

  test('an image takes its time after the last token, before the end', () => {
    const harness = new Harness({ latency: { timeToFirstToken: 10 } })
    const { sink } = harness.submit({ tokens: 2, extraDelay: { mean: 500, deviation: 0 } })
    harness.clock.runAll()
    expect(sink.one.at).toEqual([10, 10])
    expect(sink.one.finishedAt).toBe(510)
  })

  test('the first token of a further tool call needs no time', () => {
    const output: OutputPlan = {
      plan: () => ({
        parts: ['a b', 'c d'].map((text, at) => ({
          kind: 'tool',
          tokens: words(text),
          tool: { id: `${at}`, name: 'f' },
        })),
        finishReason: 'tool_calls',
        uncut: true,
        hiddenTokens: 6,
      }),
    }
    const harness = new Harness({ latency: { timeToFirstToken: 10, interTokenLatency: 10 } })
    const { sink } = harness.submit({ limits: { maxTokens: 1 }, output })
    harness.clock.runAll()
    expect(sink.one.at).toEqual([10, 20, 20, 30])
    expect(sink.one.outcome).toMatchObject({ finishReason: 'tool_calls', completionTokens: 10 })
  })
})

describe('life of a request', () => {
  const plan = fc.record({
    at: fc.nat(200),
    n: fc.integer({ min: 1, max: 4 }),
    tokens: fc.integer({ min: 1, max: 20 }),
    abortAfter: fc.option(fc.nat(200)),
    lora: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
  })

  test('never more than max-num-seqs run; every sequence that was taken in ends exactly once; nothing is left', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 6 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(plan, { maxLength: 30 }),
        (maxNumSeqs, maxLoras, plans) => {
          let most = 0
          let started = 0
          let ended = 0
          const observer: EngineObserver = {
            onStarted: () => {
              started++
              most = Math.max(most, harness.engine.running)
            },
            onFinished: sequence => {
              if (sequence.startedAt >= 0) ended++
            },
          }
          const harness: H = new Harness({
            maxNumSeqs,
            maxLoras,
            maxWaiting: 10,
            observers: [observer],
            latency: { timeToFirstToken: 20, interTokenLatency: 3 },
          })
          for (const name of ['a', 'b', 'c']) harness.engine.loras.register(name, '')
          const sent: { n: number; tokens: number; sink: H extends never ? never : ReturnType<H['submit']>['sink'] }[] =
            []
          for (const { at, n, tokens, abortAfter, lora } of plans) {
            harness.timeline.at(at, () => {
              try {
                const { sink, handle } = harness.submit({ n, tokens, ...(lora ? { lora } : undefined) })
                sent.push({ n, tokens, sink })
                if (abortAfter !== null) harness.timeline.at(at + abortAfter, () => handle.abort())
              } catch (error) {
                expect(error).toMatchObject({ status: 429 })
              }
            })
          }
          harness.clock.runAll()
          expect(most).toBeLessThanOrEqual(maxNumSeqs)
          expect(ended).toBe(started)
          expect(harness.engine.snapshot()).toMatchObject({ running: 0, waiting: 0 })
          for (const { n, tokens, sink } of sent) {
            expect(sink.received.length).toBe(n)
            for (const { finishes, outcome, at } of sink.received) {
              expect(finishes).toBe(1)
              expect(outcome?.completionTokens).toBe(at.length)
              if (outcome?.finishReason !== 'abort') expect(at.length).toBe(tokens)
            }
          }
        },
      ),
    )
  })

  test('a request whose sequences do not all find room is refused whole', () => {
    const harness = new Harness({ maxNumSeqs: 1, maxWaiting: 1, latency: { timeToFirstToken: 10 } })
    expect(() => harness.submit({ n: 3 })).toThrow('Failed to enqueue request, waiting requests queue is full')
    expect(harness.engine.snapshot()).toMatchObject({ running: 0, waiting: 0 })
    harness.submit({ n: 2 })
    expect(harness.engine.snapshot()).toMatchObject({ running: 1, waiting: 1 })
    expect(() => harness.submit()).toThrow(expect.objectContaining({ status: 429 }))
    harness.clock.runAll()
    expect(harness.engine.snapshot()).toMatchObject({ running: 0, waiting: 0 })
  })

  test('abort frees the slot for the next in the queue at once', () => {
    const harness = new Harness({ maxNumSeqs: 1, latency: { timeToFirstToken: 1000 } })
    const first = harness.submit()
    const second = harness.submit()
    harness.clock.advance(10)
    first.handle.abort()
    first.handle.abort()
    expect(first.sink.one.outcome?.finishReason).toBe('abort')
    expect(harness.engine.snapshot()).toMatchObject({ running: 1, waiting: 0 })
    harness.clock.runAll()
    expect(second.sink.one.at[0]).toBe(1010)
  })

  test('a prompt that does not fit the context ends with an error, after it had its turn', () => {
    const seen: string[] = []
    const harness = new Harness({
      maxModelLen: 10,
      observers: [
        { onStarted: () => seen.push('started'), onFinished: (_, { finishReason }) => seen.push(finishReason) },
      ],
    })
    const { sink } = harness.submit({ limits: { maxTokens: 8 } })
    expect(sink.one.outcome?.error?.message).toBe(
      "This model's maximum context length is 10 tokens. However, you requested 11 tokens (3 in the messages, 8 in the completion). Please reduce the length of the messages or completion",
    )
    expect(seen).toEqual(['started', 'error'])
  })

  test('whenIdle calls back when the last sequence has ended', () => {
    const harness = new Harness({ latency: { timeToFirstToken: 10 } })
    const seen: number[] = []
    harness.engine.whenIdle(() => seen.push(harness.clock.now()))
    harness.submit({ tokens: 1 })
    harness.engine.whenIdle(() => seen.push(harness.clock.now()))
    harness.clock.runAll()
    expect(seen).toEqual([0, 10])
  })

  test('10,000 answers that take no time do not pile up on the stack', () => {
    const harness = new Harness({ maxNumSeqs: 1, maxWaiting: 10_000, latency: { timeToFirstToken: 1 } })
    const first = harness.submit({ tokens: 1 })
    const rest = Array.from({ length: 10_000 }, () => harness.submit({ tokens: 1 }))
    harness.engine.latency = new Harness().engine.latency
    harness.clock.runAll()
    expect([first, ...rest].every(({ sink }) => sink.one.finishes === 1)).toBe(true)
  })
})

describe('requests by their ids', () => {
  test('running, waiting and repeated ids end, others do not', () => {
    const harness = new Harness({ maxNumSeqs: 2, latency: { interTokenLatency: 10 } })
    const running = harness.submit({ id: 'a', tokens: 100 })
    const other = harness.submit({ id: 'b', tokens: 20 })
    const waiting = harness.submit({ id: 'a', tokens: 100, n: 3 })
    const last = harness.submit({ id: 'c', tokens: 20 })
    harness.clock.advance(50)
    harness.engine.abortRequests(new Set(['a', 'nobody']))
    expect(running.sink.one.outcome?.finishReason).toBe('abort')
    expect(running.sink.one.at).toHaveLength(6)
    expect(waiting.sink.received.map(one => one.outcome?.finishReason)).toEqual(['abort', 'abort', 'abort'])
    expect(harness.engine.snapshot()).toMatchObject({ running: 2, waiting: 0 })
    harness.clock.runAll()
    expect([other, last].map(({ sink }) => sink.one.outcome?.finishReason)).toEqual(['length', 'length'])
    harness.engine.abortRequests(new Set(['a', 'b', 'c']))
    expect(other.sink.one.finishes).toBe(1)
  })

  test('an answer that its reader has not taken yet ends too', () => {
    const harness = new Harness()
    const { sink, handle } = harness.submit({ id: 'a', tokens: 900 })
    sink.ready = false
    harness.clock.runAll()
    harness.engine.abortRequests(new Set(['a']))
    handle.resume()
    harness.clock.runAll()
    expect(sink.one.finishes).toBe(1)
  })
})

describe('randomness', () => {
  const latency = {
    timeToFirstToken: 20,
    timeToFirstTokenDeviation: 6,
    interTokenLatency: 10,
    interTokenLatencyDeviation: 3,
  }

  test('the same seed and requests give the same texts, lengths and delays in any order of arrival', () => {
    const run = (order: readonly number[]): Map<number, unknown> => {
      const harness = new Harness({ maxNumSeqs: 100, latency })
      const sent = order.map(prompt => {
        harness.clock.advance(prompt)
        const start = harness.clock.now()
        return { prompt, start, ...harness.submit({ prompts: [{ tokenIds: [prompt] }], limits: { maxTokens: 50 } }) }
      })
      harness.clock.runAll()
      return new Map(
        sent.map(({ prompt, start, sink }) => [
          prompt,
          { text: sink.one.text, delays: sink.one.at.map(at => Math.round((at - start) * 1e6)) },
        ]),
      )
    }
    const prompts = Array.from({ length: 15 }, (_, at) => at)
    const reference = run(prompts)
    expect(new Set([...reference.values()].map(value => JSON.stringify(value))).size).toBe(prompts.length)
    fc.assert(
      fc.property(fc.shuffledSubarray(prompts, { minLength: prompts.length }), order => {
        expect(run(order)).toEqual(reference)
      }),
      { numRuns: 20 },
    )
  })

  test('an equal request that comes again gets another answer; one with a seed of its own the same', () => {
    const harness = new Harness()
    const limits = { maxTokens: 200, ignoreEos: true }
    const answer = (from: H, request: Parameters<H['submit']>[0]) => {
      const { sink } = from.submit(request)
      from.clock.runAll()
      return sink.one.text
    }
    const texts = Array.from({ length: 3 }, () => answer(harness, { limits }))
    expect(new Set(texts).size).toBe(3)
    const seeded = Array.from({ length: 3 }, () => answer(harness, { limits, seed: 5 }))
    expect(new Set(seeded).size).toBe(1)
    expect(answer(harness, { limits, seed: 6 })).not.toBe(seeded[0])
    const again = new Harness({ seed: 99 })
    expect(answer(again, { limits, seed: 5 })).toBe(seeded[0])
    expect(answer(again, { limits })).not.toBe(texts[0])
  })

  test('the choices of a request differ', () => {
    const { sink } = new Harness().submit({ n: 4, tokens: 100 })
    expect(new Set(sink.received.map(({ text }) => text)).size).toBe(4)
  })
})

describe('lengths and reasons', () => {
  test('echo gives the prompt, and length only when the limit is reached', () => {
    const echo = words('This is a test. ')
    const harness = new Harness({ text: echoMode })
    const run = (maxTokens?: number) => {
      const limits = maxTokens === undefined ? {} : { maxTokens }
      const { sink } = harness.submit({ prompts: [{ tokenIds: [1], echo }], limits })
      harness.clock.runAll()
      return sink.one
    }
    expect(run()).toMatchObject({ text: 'This is a test. ', outcome: { finishReason: 'stop' } })
    expect(run(2)).toMatchObject({ text: 'This is a test. ', outcome: { finishReason: 'length', completionTokens: 4 } })
    expect(run(5)).toMatchObject({ outcome: { finishReason: 'stop' } })
  })

  test('an empty echo ends with stop and no token, after its time', () => {
    const harness = new Harness({ text: echoMode, latency: { timeToFirstToken: 10 } })
    const { sink } = harness.submit({ prompts: [{ tokenIds: [1], echo: [] }] })
    harness.clock.runAll()
    expect(sink.one).toMatchObject({ text: '', finishedAt: 10, outcome: { finishReason: 'stop', completionTokens: 0 } })
  })

  test('random answers keep their limits, and say length exactly when they reach them', () => {
    const harness = new Harness({ maxNumSeqs: 1 })
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 300 }), fc.nat(20), (maxTokens, wish) => {
        const minTokens = Math.min(wish, maxTokens)
        const { sink } = harness.submit({ limits: { maxTokens, minTokens } })
        harness.clock.runAll()
        const { outcome, at } = sink.one
        expect(at.length).toBeGreaterThanOrEqual(Math.max(1, minTokens))
        expect(at.length).toBeLessThanOrEqual(maxTokens)
        expect(outcome?.finishReason).toBe(at.length === maxTokens ? 'length' : 'stop')
      }),
    )
  })

  test('a prefill leg ends with remote_decode', () => {
    const { sink } = new Harness().submit({ tokens: 1, kvTransfer: { doRemoteDecode: true } })
    expect(sink.one.outcome?.finishReason).toBe('remote_decode')
  })

  test('a forced cache threshold answers at once, without tokens', () => {
    const harness = new Harness({ latency: { timeToFirstToken: 1000 } })
    const { sink } = harness.submit({ forceCacheThreshold: true, kvTransfer: { doRemoteDecode: true } })
    expect(sink.one).toMatchObject({ text: '', outcome: { finishReason: 'cache_threshold', completionTokens: 0 } })
  })

  test('the cache threshold decides once for all choices of a prompt', () => {
    const cache = new PrefixCache({ size: 100, blockSize: 8, hasher: new FnvHasher('') })
    const harness = new Harness({ cache })
    const prompts = [{ tokenIds: Array.from({ length: 16 }, (_, id) => id) }]
    const reasons = () =>
      harness
        .submit({ prompts, n: 3, cacheHitThreshold: 0.5, limits: { maxTokens: 1 } })
        .sink.received.map(({ outcome }) => outcome?.finishReason)
    expect(reasons()).toEqual(['cache_threshold', 'cache_threshold', 'cache_threshold'])
    prompts[0] = { ...prompts[0]! }
    expect(reasons()).toEqual(['length', 'length', 'length'])
  })

  test('reasoning comes first, counts, and the limit cuts what follows', () => {
    const output: OutputPlan = {
      plan: () => ({
        parts: [{ kind: 'reasoning', tokens: words('let me think ') }],
        finishReason: 'stop',
        thenText: true,
      }),
    }
    const { sink } = new Harness().submit({ limits: { maxTokens: 10, ignoreEos: true }, output })
    expect(sink.one.text.startsWith('let me think ')).toBe(true)
    expect(sink.one.outcome).toMatchObject({ completionTokens: 10, reasoningTokens: 3, finishReason: 'length' })
    const cut = new Harness().submit({ limits: { maxTokens: 2 }, output }).sink.one
    expect(cut).toMatchObject({ text: 'let me ', outcome: { reasoningTokens: 2, finishReason: 'length' } })
  })

  test('a plan that fails is the request’s error, and nobody else’s', () => {
    const harness = new Harness()
    const { sink } = harness.submit({
      output: {
        plan: () => {
          throw new Error('no such tool')
        },
      },
    })
    expect(sink.one.outcome?.error).toMatchObject({ status: 500, message: 'no such tool' })
    expect(harness.submit({ tokens: 3 }).sink.one.outcome?.completionTokens).toBe(3)
  })

  test('a text that fails in the middle is the end of its own request, after what came before', () => {
    let opened = 0
    const failing = (): TextSource => ({
      done: false,
      finishReason: 'stop',
      next: () => {
        if (opened++ === 2) throw new Error('disk read error')
        return new Token(opened, `${opened} `)
      },
    })
    const text: TextMode = { open: context => (context.limited ? randomMode(sentences).open(context) : failing()) }
    for (const interTokenLatency of [0, 10]) {
      opened = 0
      const harness = new Harness({ text, maxNumSeqs: 2, latency: { interTokenLatency } })
      const whole = harness.submit({ tokens: 6 }).sink
      const failed = harness.submit().sink
      const next = harness.submit({ tokens: 6 }).sink
      harness.clock.runAll()
      expect(failed.one).toMatchObject({
        text: '1 2 ',
        finishes: 1,
        finishedAt: 2 * interTokenLatency,
        outcome: {
          finishReason: 'error',
          completionTokens: 2,
          error: { status: 500, message: 'disk read error' },
        },
      })
      for (const { one } of [whole, next])
        expect(one.outcome).toMatchObject({ finishReason: 'length', completionTokens: 6 })
      expect(harness.engine.snapshot()).toMatchObject({ running: 0, waiting: 0 })
    }
  })
})
