import { VirtualClock } from '@vllm-sim/latency'
import { expect, test } from 'vitest'
import { Cleanup } from './cleanup.ts'

test('takes all steps, once, whatever becomes of them', async () => {
  const cleanup = new Cleanup(new VirtualClock(), 1000)
  const taken: string[] = []
  cleanup.add(async () => {
    taken.push('a')
    throw new Error('already gone')
  })
  cleanup.add(async () => {
    taken.push('b')
  })
  await Promise.all([cleanup.run(), cleanup.run()])
  expect(taken).toEqual(['a', 'b'])
})

test('waits no longer than its limit', async () => {
  const clock = new VirtualClock()
  const cleanup = new Cleanup(clock, 1000)
  cleanup.add(() => new Promise(() => {}))
  let over = false
  const running = cleanup.run().then(() => {
    over = true
  })
  clock.advance(999)
  await Promise.resolve()
  expect(over).toBe(false)
  clock.advance(1)
  await running
})

test('a step that is added too late is taken at once', async () => {
  const cleanup = new Cleanup(new VirtualClock(), 1000)
  await cleanup.run()
  let taken = false
  cleanup.add(async () => {
    taken = true
  })
  expect(taken).toBe(true)
})
