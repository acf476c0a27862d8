import { expect, test } from 'vitest'
import { eventLoopTurn, LongWork } from './long-work.ts'

function work(ms: number): void {
  const end = performance.now() + ms
  while (performance.now() < end) {
    // As long work does.
  }
}

test('the pieces of all share the time of a turn and keep their order', async () => {
  const all = new LongWork()
  const ran: number[] = []
  const perTurn = new Map<number, number>()
  await Promise.all(
    Array.from({ length: 30 }, async (_, piece) => {
      await new Promise<void>(resolve => all.add(resolve))
      ran.push(piece)
      perTurn.set(eventLoopTurn(), (perTurn.get(eventLoopTurn()) ?? 0) + 1)
      work(3)
    }),
  )
  expect(ran).toEqual(Array.from({ length: 30 }, (_, piece) => piece))
  // The third one ends after the turn's eight milliseconds.
  expect(Math.max(...perTurn.values())).toBeLessThanOrEqual(3)
})

test('a piece that fails stops no other', async () => {
  const all = new LongWork()
  const failures: unknown[] = []
  const before = process.listeners('uncaughtException')
  process.removeAllListeners('uncaughtException')
  process.once('uncaughtException', error => failures.push(error))
  all.add(() => {
    throw new Error('failed')
  })
  await new Promise<void>(resolve => all.add(resolve))
  for (const listener of before) process.on('uncaughtException', listener)
  expect(failures).toEqual([new Error('failed')])
})

test('while a crowd of newcomers comes, most turns are without long work', async () => {
  const all = new LongWork()
  let ran = 0
  for (let piece = 0; piece < 100; piece++) {
    all.add(() => {
      ran++
      work(9)
    })
  }
  for (let turn = 0; turn < 64; turn++) {
    all.newcomer()
    await new Promise(resolve => setImmediate(resolve))
  }
  // The first turns, before they are a crowd, and one of 32 then.
  expect(ran).toBeLessThanOrEqual(8)
  expect(ran).toBeGreaterThan(0)
  while (ran < 100) await new Promise(resolve => setImmediate(resolve))
})
