import { Deadline } from '@vllm-sim/latency'
import { expect, test } from 'vitest'
import type { Pacer, PacerHost } from './pacer.ts'
import { Scheduler } from './scheduler.ts'
import type { SchedulingFactory } from './scheduling.ts'
import type { Sequence } from './sequence.ts'
import { Harness } from './testing/harness.ts'

/**
 * Another way to pace, behind the same interface: one engine step after another, each giving one token to every running
 * sequence, its duration a function of the batch.
 */
class StepPacer extends Deadline implements Pacer {
  readonly #host: PacerHost
  readonly #batch = new Set<Sequence>()
  readonly #held = new Set<Sequence>()

  constructor(host: PacerHost) {
    super()
    this.#host = host
  }

  start(sequence: Sequence, now: number): void {
    if (!this.#host.start(sequence, now)) return
    this.#batch.add(sequence)
    if (this.slot < 0) this.#next(now)
  }

  stop(sequence: Sequence): void {
    this.#batch.delete(sequence)
    this.#held.delete(sequence)
    if (this.#batch.size === 0) this.#host.timeline.cancel(this)
  }

  hold(sequence: Sequence): void {
    this.#held.add(sequence)
  }

  resume(sequence: Sequence): void {
    this.#held.delete(sequence)
  }

  override onDue(now: number): void {
    for (const sequence of [...this.#batch]) {
      if (this.#held.has(sequence)) continue
      this.#host.advance(sequence, 1, now)
    }
    if (this.#batch.size > 0 && this.slot < 0) this.#next(now)
  }

  #next(now: number): void {
    this.#host.timeline.schedule(this, now + 10 + this.#batch.size)
  }
}

const stepByStep: SchedulingFactory = host => ({ admission: new Scheduler(host), pacer: new StepPacer(host) })

test('a shared engine step fits the seam: one deadline for all, its length set by the batch', () => {
  const harness = new Harness({ scheduling: stepByStep, maxNumSeqs: 2 })
  const first = harness.submit({ tokens: 4 })
  harness.clock.advance(5)
  const second = harness.submit({ tokens: 2 })
  const third = harness.submit({ tokens: 1 })
  harness.clock.runAll()
  // Steps end at 11 (begun with one sequence), 23 (two), 35 (the third takes the second's place), 46 (one).
  expect(first.sink.one.at).toEqual([11, 23, 35, 46])
  expect(second.sink.one.at).toEqual([11, 23])
  expect(third.sink.one.at).toEqual([35])
  expect(harness.engine.snapshot()).toMatchObject({ running: 0, waiting: 0 })
})

test('holding and aborting work there too', () => {
  const harness = new Harness({ scheduling: stepByStep })
  const held = harness.submit({ tokens: 3 })
  const aborted = harness.submit({ tokens: 30 })
  held.sink.ready = false
  harness.clock.advance(50)
  expect(held.sink.one.at.length).toBe(1)
  aborted.handle.abort()
  held.sink.ready = true
  held.handle.resume()
  harness.clock.advance(100)
  expect(held.sink.one.outcome?.finishReason).toBe('length')
  expect(aborted.sink.one.outcome?.finishReason).toBe('abort')
  expect(harness.timeline.size).toBe(0)
})
