import { PassThrough } from 'node:stream'
import { RealClock } from '@vllm-sim/core-engine'
import { expect, test } from 'vitest'
import { sendJsonPieces } from './reply-pieces.ts'

test('others have their turn between two portions, however fast the client reads', async () => {
  const waiting: (() => void)[] = []
  class Clock extends RealClock {
    override whenFree(run: () => void): void {
      waiting.push(run)
    }
  }
  const res = Object.assign(new PassThrough(), { headersSent: false, writeHead: () => {} })
  res.resume()
  let made = 0
  const pieces = (function* (): Generator<string> {
    for (; made < 10; made++) yield 'x'.repeat(70_000)
  })()
  sendJsonPieces(res as never, 200, pieces, new Clock())
  const ended = new Promise(resolve => res.once('end', resolve))
  for (let before = -1; waiting.length > 0 || before !== made; ) {
    before = made
    // The stream drains in microtasks and ticks; these are over in the next turn.
    await new Promise(resolve => setImmediate(resolve))
    expect(made - before).toBe(0)
    waiting.shift()?.()
  }
  await ended
  expect(made).toBe(10)
})
