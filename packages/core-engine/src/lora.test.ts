import { describe, expect, test } from 'vitest'
import { LoraRegistry, loraLimits } from './lora.ts'
import { Harness } from './testing/harness.ts'

interface Scenario {
  readonly workers: number
  readonly maxLoras: number
  readonly ttft: number
  /** [time in ms, number of the request, adapter] */
  readonly requests: readonly (readonly [at: number, number: number, lora: string])[]
  /** Groups that end at the same time, in order. */
  readonly ends: readonly (readonly number[])[]
}

/** Requests `number:lora`, 100 ms apart. */
const apart = (text: string): (readonly [number, number, string])[] =>
  text.split(' ').map((item, at) => {
    const [number, lora] = item.split(':')
    return [at * 100, Number(number), lora!]
  })

const eleven = '0:l1 1:l1 2:l2 3:l3 4:l4 5:l5 6:l1 7:l2 8:l3 9:l4 10:l5'
const late: Scenario['requests'] = [
  [0, 0, 'l1'],
  [0, 1, 'l1'],
  [0, 2, 'l1'],
  [100, 4, 'l2'],
  [100, 5, 'l2'],
  [100, 6, 'l2'],
  [100, 7, 'l2'],
  [500, 3, 'l1'],
]

// The orders of the reference: a request whose adapter is loaded may pass an older one that has to wait for a slot.
const scenarios: readonly Scenario[] = [
  {
    workers: 1,
    maxLoras: 1,
    ttft: 500,
    requests: apart('0:l1 1:l1 2:l2 3:l3 4:l4 5:l1 6:l2 7:l3 8:l4'),
    ends: [[0], [1], [5], [2], [6], [3], [7], [4], [8]],
  },
  {
    workers: 2,
    maxLoras: 1,
    ttft: 500,
    requests: apart('0:l1 1:l1 2:l2 3:l3 4:l4 5:l2 6:l3 7:l4').map(([at, ...rest]) => [Math.max(0, at - 100), ...rest]),
    ends: [
      [0, 1],
      [2, 5],
      [3, 6],
      [4, 7],
    ],
  },
  {
    workers: 4,
    maxLoras: 3,
    ttft: 1000,
    requests: apart(eleven),
    ends: [[0], [1], [2], [3], [6], [7], [8], [4, 9], [5, 10]],
  },
  {
    workers: 5,
    maxLoras: 5,
    ttft: 1000,
    requests: apart(eleven),
    ends: [[0], [1], [2], [3], [4], [6], [7], [8], [9], [5], [10]],
  },
  { workers: 5, maxLoras: 1, ttft: 1000, requests: late, ends: [[0, 1, 2], [3], [4, 5, 6, 7]] },
  { workers: 1, maxLoras: 5, ttft: 1000, requests: late, ends: [[0], [1], [2], [3], [4], [5], [6], [7]] },
]

describe('order in which requests to adapters end', () => {
  test.each(scenarios)('$workers workers, $maxLoras slots', ({ workers, maxLoras, ttft, requests, ends }) => {
    const harness = new Harness({ maxNumSeqs: workers, maxLoras, latency: { timeToFirstToken: ttft } })
    for (const name of ['l1', 'l2', 'l3', 'l4', 'l5']) harness.engine.loras.register(name, '')
    const sent: { number: number; sink: ReturnType<Harness['submit']>['sink'] }[] = []
    for (const [at, number, lora] of requests) {
      harness.timeline.at(at, () => sent.push({ number, ...harness.submit({ lora, tokens: 1 }) }))
    }
    harness.clock.runAll()
    const order = sent.map(({ number, sink }) => ({ number, at: sink.one.finishedAt })).sort((a, b) => a.at - b.at)
    let from = 0
    for (const group of ends) {
      const got = order.slice(from, from + group.length).map(({ number }) => number)
      expect(new Set(got)).toEqual(new Set(group))
      from += group.length
    }
  })

  test('12 workers, 2 slots, 1,000 requests over five adapters: all slots busy, the rest waits', () => {
    const harness = new Harness({ maxNumSeqs: 12, maxLoras: 2, latency: { timeToFirstToken: 3000 } })
    for (let i = 0; i < 5; i++) harness.engine.loras.register(`l${i}`, '')
    for (let i = 0; i < 1000; i++) harness.submit({ lora: `l${i % 5}`, tokens: 1 })
    expect(harness.engine.snapshot()).toMatchObject({ running: 12, waiting: 988 })
  })
})

describe('LoraRegistry', () => {
  test('slots are numbered from 1, the lowest free one is taken, the longest idle adapter makes room', () => {
    const loras = new LoraRegistry(2)
    for (const name of ['a', 'b', 'c']) loras.register(name, `/${name}`)
    const a = loras.acquire('a')!
    const b = loras.acquire('b')!
    expect([a.id, b.id]).toEqual([1, 2])
    expect(loras.canLoad()).toBe(false)
    loras.release(b)
    loras.release(a)
    expect(loras.acquire('c')).toMatchObject({ name: 'c', id: 2 })
    expect(loras.isLoaded('b')).toBe(false)
    expect(loras.isLoaded('a')).toBe(true)
  })

  test('an adapter that is unregistered while it is used gives its slot back when its last user ends', () => {
    const loras = new LoraRegistry(1)
    loras.register('a', '')
    loras.register('b', '')
    const a = loras.acquire('a')!
    expect(loras.unregister('a')).toBe(true)
    expect(loras.unregister('a')).toBe(false)
    expect(loras.canLoad()).toBe(false)
    loras.release(a)
    expect(loras.canLoad()).toBe(true)
    expect(loras.acquire('b')).toMatchObject({ id: 1 })
  })

  test('a name that is no adapter any more needs no slot', () => {
    const loras = new LoraRegistry(1)
    expect(loras.isReady('gone')).toBe(true)
    expect(loras.acquire('gone')).toBeUndefined()
  })

  test('bounds names, paths and their number', () => {
    const loras = new LoraRegistry(1)
    const refused = (name: string, path: string) => () => loras.register(name, path)
    expect(refused('a'.repeat(257), '')).toThrow('lora_name must not have more than 256 characters, got 257')
    expect(refused('a', 'b'.repeat(4097))).toThrow(expect.objectContaining({ status: 400, param: 'lora_path' }))
    for (let at = 0; at < loraLimits.count; at++) loras.register(`${at}`, '')
    expect(refused('one more', '')).toThrow('no more than 10000 LoRA adapters')
    loras.register('0', '/elsewhere')
    expect(loras.registered.get('0')).toBe('/elsewhere')
  })
})
