import { expect, test } from 'vitest'
import { textLine } from './log.ts'

test('a terminal obeys nothing that a client chose', () => {
  const hostile = 'a\u001b[2J\u0007\u009b31m\u202eb'
  const line = textLine({ level: 30, time: 'now', msg: `m ${hostile}`, model: hostile, other: `${hostile} c` })
  const shown = 'a\\u001b[2J\\u0007\\u009b31m\\u202eb'
  expect(line).toBe(`now INFO  m ${shown} model=${shown} other="${shown} c"\n`)
})

test('line breaks and tabs of messages stay', () => {
  expect(textLine({ level: 30, time: 'now', msg: 'a\n\tb' })).toBe('now INFO  a\n\tb\n')
})
