import { type Clock, latencyModel, noLatency, ScaledClock, Timeline, VirtualClock } from '@vllm-sim/latency'
import { describe, expect, test } from 'vitest'
import { Engine } from './engine.ts'
import { randomMode } from './random-text.ts'
import type { OutputSink, RequestHandle } from './request.ts'
import { sentences } from './testing/harness.ts'

/** A machine on which each look at the clock takes a tenth of a millisecond, and turns of the event loop can be told apart. */
class BusyClock implements Clock {
  readonly #virtual = new VirtualClock()
  #now = 0
  turns = 0

  get real(): Clock {
    return this
  }

  get eventLoopTurn(): number {
    return this.turns
  }

  now(): number {
    this.#now += 0.1
    return this.#now
  }

  wall(): number {
    return this.now()
  }

  timer(delay: number, run: () => void) {
    return this.timerAt(this.#now + delay, run)
  }

  timerAt(due: number, run: () => void) {
    return this.#virtual.timerAt(due, () => {
      this.#now = Math.max(this.#now, due)
      this.turns++
      run()
    })
  }

  soon(run: () => void): void {
    this.#virtual.timerAt(this.#now, () => {
      this.turns++
      run()
    })
  }

  whenFree(run: () => void): void {
    this.soon(run)
  }

  /** One turn of the event loop. */
  turn(): boolean {
    return this.#virtual.step()
  }
}

function start(options: { slots: number; clock?: Clock; busy?: BusyClock; ttft?: number }) {
  const busy = options.busy ?? new BusyClock()
  const engine = new Engine({
    timeline: new Timeline(options.clock ?? busy),
    seed: 1,
    maxNumSeqs: options.slots,
    maxWaiting: 20_000,
    maxModelLen: 10_000,
    latency: latencyModel({ ...noLatency, timeToFirstToken: options.ttft ?? 0 }),
    text: randomMode(sentences),
  })
  const submit = (n: number, maxTokens: number, sink: Partial<OutputSink> = {}): RequestHandle =>
    engine.submit(
      {
        id: 'r',
        model: 'm',
        prompts: [{ tokenIds: [1] }],
        n,
        limits: { maxTokens, ignoreEos: true },
        arrival: engine.timeline.clock.now(),
      },
      { onTokens: () => true, onFinish: () => {}, ...sink },
    )
  return { busy, engine, submit }
}

describe('long work is cut into turns of the event loop', () => {
  test.each([1, 100])('a thousand choices without latency, time scaled by %i', factor => {
    const busy = new BusyClock()
    const { engine, submit } = start({ slots: 5, busy, clock: new ScaledClock(busy, factor) })
    let ended = 0
    let inTurn = 0
    let most = 0
    submit(1000, 1000, {
      onTokens(_, __, count) {
        inTurn += count
        return true
      },
      onFinish: () => ended++,
    })
    expect(ended).toBeLessThan(50)
    for (let turn = busy.turn(); turn; turn = busy.turn()) {
      most = Math.max(most, inTurn)
      inTurn = 0
    }
    expect(ended).toBe(1000)
    expect(most).toBeLessThan(20_000)
    // A turn of 4 ms has 40 looks at this clock: also on a scaled clock it does more than one piece.
    expect(busy.turns).toBeLessThan(1000)
    expect(engine.snapshot()).toMatchObject({ running: 0, waiting: 0 })
  })

  test('a short answer does not wait for the long ones that came before', () => {
    const { busy, submit } = start({ slots: 100 })
    let long = 0
    let short = 0
    for (let i = 0; i < 20; i++) submit(1, 9000, { onFinish: () => long++ })
    submit(1, 300, { onFinish: () => short++ })
    while (short === 0 && busy.turn());
    expect(short).toBe(1)
    expect(long).toBe(0)
    while (busy.turn());
    expect(long).toBe(20)
  })

  test('a token that is due comes before what has no time', () => {
    const { busy, engine, submit } = start({ slots: 100 })
    for (let i = 0; i < 50; i++) submit(1, 9000)
    let ran = -1
    const due = busy.now() + 1
    engine.timeline.at(due, now => {
      ran = now
    })
    while (ran < 0 && busy.turn());
    expect(ran - due).toBeLessThan(10)
  })

  test('ten thousand that wait are begun in turns', () => {
    const { busy, engine, submit } = start({ slots: 1, ttft: 5 })
    let ended = 0
    submit(1, 1)
    for (let i = 0; i < 10; i++) submit(1000, 1, { onFinish: () => ended++ })
    engine.latency = latencyModel(noLatency)
    let most = 0
    for (let before = 0; busy.turn(); before = ended) most = Math.max(most, ended - before)
    expect(ended).toBe(10_000)
    expect(most).toBeLessThan(200)
  })
})

describe('a reader that is behind', () => {
  test('gets no call until it resumes, whatever choice; the choices go on and give their slots back', () => {
    const { busy, engine, submit } = start({ slots: 5 })
    let calls = 0
    let ready = false
    let ended = 0
    let tokens = 0
    const handle = submit(40, 200, {
      onTokens(_, __, count) {
        calls++
        tokens += count
        return ready
      },
      onFinish: () => ended++,
    })
    while (busy.turn());
    expect(calls).toBe(1)
    expect(engine.snapshot()).toMatchObject({ running: 0, waiting: 0 })
    let idle = false
    engine.whenIdle(() => {
      idle = true
    })
    expect(idle).toBe(false)
    handle.resume()
    while (busy.turn());
    expect(calls).toBe(2)
    ready = true
    handle.resume()
    while (busy.turn());
    expect([ended, tokens, idle]).toEqual([40, 40 * 200, true])
  })

  test('sees its own count of tokens, not what was generated meanwhile', () => {
    const { busy, submit } = start({ slots: 1 })
    const seen: [number, number, boolean][] = []
    let ready = false
    const handle = submit(1, 300, {
      onTokens(sequence, _, count) {
        seen.push([sequence.outputTokens, count, sequence.final])
        return ready
      },
    })
    while (busy.turn());
    ready = true
    handle.resume()
    while (busy.turn());
    expect(seen).toEqual([
      [128, 128, false],
      [256, 128, false],
      [300, 44, true],
    ])
  })

  test('that leaves is told abort once per choice, and nothing is kept', () => {
    const { busy, engine, submit } = start({ slots: 2 })
    const reasons: string[] = []
    const handle = submit(5, 500, {
      onTokens: () => false,
      onFinish: (_, { finishReason }) => reasons.push(finishReason),
    })
    while (busy.turn());
    let idle = false
    engine.whenIdle(() => {
      idle = true
    })
    handle.abort()
    handle.abort()
    handle.resume()
    while (busy.turn());
    expect(reasons).toEqual(['abort', 'abort', 'abort', 'abort', 'abort'])
    expect(idle).toBe(true)
    expect(engine.timeline.size).toBe(0)
  })

  test('keeps its slot once two million tokens wait for readers', () => {
    const { busy, engine, submit } = start({ slots: 4 })
    const handles = Array.from({ length: 300 }, () => submit(1, 9000, { onTokens: () => false }))
    while (busy.turn());
    expect(engine.snapshot()).toMatchObject({ running: 4 })
    expect(engine.timeline.size).toBe(0)
    for (const handle of handles) handle.abort()
    while (busy.turn());
    expect(engine.snapshot()).toMatchObject({ running: 0, waiting: 0 })
  })
})
