import type { BlocksStored, KvCacheEvent } from '@vllm-sim/core-engine'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { decodeBatch } from './decode.ts'
import { encodeBatch } from './encode.ts'
import { DecodeError } from './msgpack-reader.ts'

const stored: BlocksStored = {
  type: 'BlockStored',
  hashes: [0x0102030405060708n, 0xfffefdfcfbfaf9f8n],
  parent: undefined,
  tokenIds: [1, 200, 70000, 4294967295],
  blockSize: 2,
  loraId: undefined,
  loraName: undefined,
  extraKeys: undefined,
}
const withLora = (blockSize: number): BlocksStored => ({
  ...stored,
  hashes: [0x0102030405060708n],
  parent: 5n,
  tokenIds: [1, 200],
  blockSize,
  loraId: 1,
  loraName: 'lora1',
})
const removed: KvCacheEvent = { type: 'BlockRemoved', hashes: [0x0102030405060708n] }
const cleared: KvCacheEvent = { type: 'AllBlocksCleared' }

/** Hex of the events alone, between the batch's head and its rank. */
function eventHex(event: KvCacheEvent, format: 'array' | 'map'): string {
  return encodeBatch(0, [event], 0, format).toString('hex').slice(22, -2)
}

// Made with vmihailenco/msgpack v5.4.1.
describe('events to the byte', () => {
  test.each<[string, KvCacheEvent, string]>([
    [
      'stored',
      stored,
      '99ab426c6f636b53746f72656492cf0102030405060708cffffefdfcfbfaf9f8cf000000000000000094ce00000001ce000000c8ce00011170ceffffffff02c0a3475055c0c0',
    ],
    [
      'stored for an adapter',
      withLora(2),
      '99ab426c6f636b53746f72656491cf0102030405060708cf000000000000000592ce00000001ce000000c80201a3475055a56c6f726131c0',
    ],
    ['removed', removed, '93ac426c6f636b52656d6f76656491cf0102030405060708a3475055'],
    ['cleared', cleared, '91b0416c6c426c6f636b73436c6561726564'],
  ])('array: %s', (_, event, expected) => {
    expect(eventHex(event, 'array')).toBe(expected)
  })

  test.each<[string, KvCacheEvent, string]>([
    [
      'stored',
      stored,
      '86a474797065ab426c6f636b53746f726564ac626c6f636b5f68617368657392cf0102030405060708cffffefdfcfbfaf9f8b1706172656e745f626c6f636b5f68617368c0a9746f6b656e5f69647394ce00000001ce000000c8ce00011170ceffffffffaa626c6f636b5f73697a6502a66d656469756da3475055',
    ],
    [
      'stored for an adapter',
      withLora(128),
      '88a474797065ab426c6f636b53746f726564ac626c6f636b5f68617368657391cf0102030405060708b1706172656e745f626c6f636b5f68617368cf0000000000000005a9746f6b656e5f69647392ce00000001ce000000c8aa626c6f636b5f73697a65cc80a76c6f72615f696401a66d656469756da3475055a96c6f72615f6e616d65a56c6f726131',
    ],
    [
      'removed',
      removed,
      '83a474797065ac426c6f636b52656d6f766564ac626c6f636b5f68617368657391cf0102030405060708a66d656469756da3475055',
    ],
    ['cleared', cleared, '81a474797065b0416c6c426c6f636b73436c6561726564'],
  ])('map: %s', (_, event, expected) => {
    expect(eventHex(event, 'map')).toBe(expected)
  })

  const prompt: BlocksStored = {
    ...stored,
    hashes: [9540012594951042066n, 16921089685996993662n],
    tokenIds: Array.from({ length: 32 }, (_, i) => i + 1),
    blockSize: 16,
  }
  const tokens = prompt.tokenIds as number[]
  const tokenHex = `dc0020${tokens.map(id => `ce${id.toString(16).padStart(8, '0')}`).join('')}`

  test('a whole message, array', () => {
    const payload = encodeBatch(1750000000.25, [prompt], 0, 'array')
    expect(payload.length).toBe(224)
    expect(payload.toString('hex')).toBe(
      `93cb41da13b8601000009199ab426c6f636b53746f72656492cf8464eee8f2cf3412cfead3c96aea607c7ecf0000000000000000${tokenHex}10c0a3475055c0c000`,
    )
  })

  test('a whole message, map', () => {
    const payload = encodeBatch(1750000000.25, [prompt], 0, 'map')
    expect(payload.length).toBe(277)
    expect(payload.toString('hex')).toBe(
      `93cb41da13b8601000009186a474797065ab426c6f636b53746f726564ac626c6f636b5f68617368657392cf8464eee8f2cf3412cfead3c96aea607c7eb1706172656e745f626c6f636b5f68617368c0a9746f6b656e5f696473${tokenHex}aa626c6f636b5f73697a6510a66d656469756da347505500`,
    )
  })
})

const hash = fc.bigInt({ min: 1n, max: 2n ** 64n - 1n })
const key = fc.oneof(fc.string(), fc.tuple(fc.string(), fc.integer()))
const anyEvent: fc.Arbitrary<KvCacheEvent> = fc.oneof(
  fc.record({
    type: fc.constant('BlockStored' as const),
    hashes: fc.array(hash),
    parent: fc.option(hash, { nil: undefined }),
    tokenIds: fc.array(fc.integer({ min: 0, max: 2 ** 32 - 1 })),
    blockSize: fc.constantFrom(8, 16, 128, 1000),
    loraId: fc.option(fc.nat(), { nil: undefined }),
    loraName: fc.option(fc.string({ unit: 'grapheme' }), { nil: undefined }),
    extraKeys: fc.option(fc.array(fc.option(fc.array(key), { nil: undefined })), { nil: undefined }),
  }),
  fc.record({ type: fc.constant('BlockRemoved' as const), hashes: fc.array(hash) }),
  fc.constant({ type: 'AllBlocksCleared' as const }),
)

test('what is encoded in either form is decoded', () => {
  const batch = fc.record({
    timestamp: fc.double({ noNaN: true, min: 0, max: 4e9 }),
    events: fc.array(anyEvent),
    rank: fc.nat(300),
  })
  fc.assert(
    fc.property(batch, fc.constantFrom('array' as const, 'map' as const), ({ timestamp, events, rank }, format) => {
      const placed = events.map(event => (event.type === 'AllBlocksCleared' ? event : { ...event, medium: 'GPU' }))
      expect(decodeBatch(encodeBatch(timestamp, events, rank, format))).toEqual({ timestamp, events: placed, rank })
    }),
  )
})

const batchOf = (events: string, tail = '00') => Buffer.from(`93cb3ff000000000000091${events}${tail}`, 'hex')
const text = (value: string) => (0xa0 + value.length).toString(16) + Buffer.from(value).toString('hex')

describe('what others send', () => {
  test('vLLM before June 2026: arrays without the later fields, compact numbers, no parent as nil', () => {
    const event = `95${text('BlockStored')}9105c0920102cc80`
    expect(decodeBatch(batchOf(event)).events).toEqual([
      {
        type: 'BlockStored',
        hashes: [5n],
        parent: undefined,
        tokenIds: [1, 2],
        blockSize: 128,
        loraId: undefined,
        loraName: undefined,
        medium: undefined,
        extraKeys: undefined,
      },
    ])
    expect(decodeBatch(batchOf(`92${text('BlockRemoved')}9107`)).events).toEqual([
      { type: 'BlockRemoved', hashes: [7n], medium: undefined },
    ])
  })

  test('hashes as digests or signed count by their low 64 bits', () => {
    const digest = `c420${'11'.repeat(24)}0102030405060708`
    const event = `92${text('BlockRemoved')}92${digest}d3ffffffffffffffff`
    expect(decodeBatch(batchOf(event)).events).toMatchObject([{ hashes: [0x0102030405060708n, 2n ** 64n - 1n] }])
  })

  test('unknown trailing fields, keys and types are passed over; a batch may end before its rank', () => {
    expect(decodeBatch(batchOf(`94${text('BlockRemoved')}9107${text('CPU')}c3`)).events).toMatchObject([
      { hashes: [7n], medium: 'CPU' },
    ])
    const map = `83${text('type')}${text('AllBlocksCleared')}${text('locality')}${text('LOCAL')}${text('x')}90`
    expect(decodeBatch(batchOf(map)).events).toEqual([{ type: 'AllBlocksCleared' }])
    expect(decodeBatch(batchOf(`91${text('SomethingNew')}`)).events).toEqual([])
    expect(decodeBatch(Buffer.from('92cb3ff000000000000090', 'hex'))).toEqual({ timestamp: 1, events: [], rank: 0 })
    expect(decodeBatch(batchOf(`91${text('AllBlocksCleared')}`, '03c0c0').subarray(0, -2)).rank).toBe(3)
  })

  test.each(['c0', '90', '93cb3ff0000000000000c000', '93cb3ff0000000000000910100', '93a1619000'])(
    '%s is refused',
    bytes => {
      expect(() => decodeBatch(Buffer.from(bytes, 'hex'))).toThrow(DecodeError)
    },
  )
})
