import { expect, test } from 'vitest'
import { vllmPublisherOptions } from './vllm-config.ts'

test('off unless switched on and sent somewhere', () => {
  expect(vllmPublisherOptions({})).toBeUndefined()
  expect(vllmPublisherOptions({ enable_kv_cache_events: true, publisher: 'null' })).toBeUndefined()
  expect(vllmPublisherOptions({ enable_kv_cache_events: true, publisher: null })).toBeUndefined()
})

test("vLLM's defaults", () => {
  expect(vllmPublisherOptions({ enable_kv_cache_events: true })).toEqual({
    endpoint: 'tcp://*:5557',
    topic: '',
    firstSequence: 0,
    batchSize: Number.POSITIVE_INFINITY,
    batchDelay: 0,
    maxPending: 100_000,
    highWaterMark: 100_000,
    replayBatches: 10_000,
  })
})

test('what is given counts', () => {
  const options = vllmPublisherOptions({
    enable_kv_cache_events: true,
    publisher: 'zmq',
    endpoint: 'tcp://router:5557',
    replay_endpoint: 'tcp://*:5558',
    buffer_steps: 5,
    hwm: 7,
    max_queue_size: 9,
    topic: 'kv@x:1@m',
  })
  expect(options).toMatchObject({ endpoint: 'tcp://router:5557', replayEndpoint: 'tcp://*:5558', replayBatches: 5 })
  expect(options).toMatchObject({ highWaterMark: 7, maxPending: 9, topic: 'kv@x:1@m', firstSequence: 0 })
})

test.each([
  [{ endpont: 'x' }, 'no key endpont'],
  [{ hwm: '5' }, 'hwm in kv-events-config must be a number, got "5"'],
  [{ hwm: -1 }, 'hwm in kv-events-config must be a whole number, 0 or more, got -1'],
  [{ publisher: 'kafka' }, 'must be "zmq" or "null", got "kafka"'],
])('%j is refused', (config, message) => {
  expect(() => vllmPublisherOptions(config as object)).toThrow(message)
})
