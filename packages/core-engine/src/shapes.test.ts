import { setFlagsFromString } from 'node:v8'
import { expect, test, vi } from 'vitest'
import type { ObservedSequence } from './events.ts'

setFlagsFromString('--allow-natives-syntax')
/**
 * Whether V8 keeps two objects in the same form. What the warm-up had compiled for objects of one form is thrown away when
 * the first clients bring another, such as a number with a fraction where there were only whole ones.
 */
const sameForm = new Function('a', 'b', 'return %HaveSameMap(a, b)') as (a: object, b: object) => boolean

/** Classes of which there are no objects yet: a form belongs to a class. */
async function freshClasses() {
  vi.resetModules()
  const { Deadline, Timeline, VirtualClock } = await import('@vllm-sim/latency')
  const { Harness } = await import('./testing/harness.ts')
  const { Token, TokenBatch } = await import('./token.ts')
  return { Deadline, Timeline, VirtualClock, Harness, Token, TokenBatch }
}

test('a sequence has the same form whether it waited or not, and however far it came', async () => {
  const { Harness } = await freshClasses()
  const seen: ObservedSequence[] = []
  const observer = { onStarted: (sequence: ObservedSequence) => seen.push(sequence) }
  const latency = { timeToFirstToken: 0.5, interTokenLatency: 0.25 }
  const harness = new Harness({ maxNumSeqs: 1, latency, observers: [observer] })
  harness.clock.advance(0.1)
  harness.submit({ tokens: 2 })
  harness.clock.runAll()
  harness.submit({ tokens: 2 })
  harness.submit({ tokens: 2 }).handle.abort()
  harness.submit({ tokens: 2 })
  harness.clock.runAll()
  expect(seen).toHaveLength(3)
  for (const one of seen) expect(sameForm(one, seen[0]!)).toBe(true)
})

test('a timeline and a deadline have the same form before and after their first time', async () => {
  const { Deadline, Timeline, VirtualClock } = await freshClasses()
  class Nothing extends Deadline {
    override onDue(): void {}
  }
  const clock = new VirtualClock(0.5)
  const [used, unused] = [new Timeline(clock), new Timeline(clock)]
  const [due, idle] = [new Nothing(), new Nothing()]
  used.schedule(due, 1.5)
  clock.runAll()
  expect(sameForm(due, idle)).toBe(true)
  expect(sameForm(used, unused)).toBe(true)
})

test('a batch of tokens has the same form before its first token', async () => {
  const { Token, TokenBatch } = await freshClasses()
  const [used, unused] = [new TokenBatch(), new TokenBatch()]
  used.add(new Token(1, 'a'))
  expect(sameForm(used.tokens, unused.tokens)).toBe(true)
})
