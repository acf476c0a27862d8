import { expect, test } from 'vitest'
import { isLocal } from './target.ts'

test.each(['localhost', '127.0.0.1', '127.1.2.3', '::1'])('%s is this machine only', host => {
  expect(isLocal({ host, port: 1 })).toBe(true)
})

test.each(['0.0.0.0', '::', '10.0.0.1', '127.evil.example', 'localhost.example'])('%s is not', host => {
  expect(isLocal({ host, port: 1 })).toBe(false)
})

test('a socket file is', () => {
  expect(isLocal({ path: '/run/sim.sock' })).toBe(true)
})
