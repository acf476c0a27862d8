import { expect, test } from 'vitest'
import { bindsEndpoint, kvTopic, offsetEndpoint, parseTopic } from './endpoint.ts'

test.each([
  ['tcp://*:5557', true],
  ['tcp://[::]:5557', true],
  ['ipc:///tmp/events', true],
  ['inproc://events', true],
  ['tcp://127.0.0.1:5557', false],
  ['tcp://router:5557', false],
  ['tcp://0.0.0.0:5557', false],
])('%s binds: %s', (endpoint, expected) => {
  expect(bindsEndpoint(endpoint)).toBe(expected)
})

test.each([
  ['tcp://*:5557', 0, 'tcp://*:5557'],
  ['tcp://*:5557', 3, 'tcp://*:5560'],
  ['tcp://[::1]:5557', 1, 'tcp://[::1]:5558'],
  ['tcp://*:*', 2, 'tcp://*:*'],
  ['ipc:///tmp/events', 2, 'ipc:///tmp/events'],
  ['inproc://events', 2, 'inproc://events_dp2'],
])('%s of rank %d is %s', (endpoint, rank, expected) => {
  expect(offsetEndpoint(endpoint, rank)).toBe(expected)
})

test('topics', () => {
  const topic = kvTopic('10.0.0.1', 8000, 'org/model@v2')
  expect(topic).toBe('kv@10.0.0.1:8000@org/model@v2')
  expect(parseTopic(topic)).toEqual({ pod: '10.0.0.1:8000', model: 'org/model@v2' })
  expect(parseTopic('')).toBeUndefined()
})
