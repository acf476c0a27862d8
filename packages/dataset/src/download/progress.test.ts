import { expect, test } from 'vitest'
import { logProgress } from './progress.ts'

const megabyte = 2 ** 20

test('a line every 10 % or every 5 s, and one at the end', () => {
  let time = 1000
  const lines: unknown[] = []
  const progress = logProgress({ now: () => time }, (message, fields) => lines.push([message, fields]))
  const total = 100 * megabyte
  progress({ received: 0, total })
  time += 1000
  progress({ received: 4 * megabyte, total })
  time += 1000
  progress({ received: 10 * megabyte, total })
  time += 5000
  progress({ received: 14 * megabyte, total })
  time += 3000
  progress({ received: total, total })
  progress({ received: total, total })
  expect(lines).toEqual([
    ['Dataset download progress', { '%': 10, 'speed (MB/s)': 5, 'remaining time (s)': 18 }],
    ['Dataset download progress', { '%': 14, 'speed (MB/s)': 2, 'remaining time (s)': 43 }],
    ['Download completed', { 'average speed (MB/s)': 10, 'total time (s)': 10 }],
  ])
})

test('what was there before a resumed download does not count as speed', () => {
  let time = 0
  const lines: unknown[] = []
  const progress = logProgress({ now: () => time }, (_, fields) => lines.push(fields))
  progress({ received: 50 * megabyte, total: 100 * megabyte })
  time = 10_000
  progress({ received: 60 * megabyte, total: 100 * megabyte })
  expect(lines.at(-1)).toEqual({ '%': 60, 'speed (MB/s)': 1, 'remaining time (s)': 40 })
})

test('without a known size nothing is logged', () => {
  const progress = logProgress({ now: () => 0 }, () => expect.unreachable())
  progress({ received: 5 })
})
