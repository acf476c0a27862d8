import { readFileSync } from 'node:fs'
import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { apiTypeOf, cleanPath } from './api-types.ts'
import { cap, prefillOnly, usageOf } from './bodies.ts'
import { encoderHeaders, prefillerHeaders, takeTargets } from './headers.ts'
import { moriioRank, sglangRoom, uuidOf } from './ids.ts'
import { moriioDecodeDefaults, moriioParallelDecodeParams, moriioPrefillParams, nixlPrefillParams } from './params.ts'
import { formatTarget, p2pPort, parseTarget } from './targets.ts'

describe('paths', () => {
  test.each([
    ['/v1/chat/completions', 'chat_completions'],
    ['//v1//chat///completions/', 'chat_completions'],
    ['/v1/completions', 'completions'],
    ['/v1/messages/', 'messages'],
    ['/v1/responses', 'responses'],
    ['/inference/v1/generate', 'vllm_generate'],
    ['/generate', 'sglang_generate'],
    ['/v1/chat/completions/x', undefined],
    ['/v1/messages/count_tokens', undefined],
    ['/', undefined],
  ] as const)('%s: %s', (path, api) => {
    expect(apiTypeOf(cleanPath(path))).toBe(api)
  })
})

describe('capping', () => {
  test.each([
    ['chat_completions', { max_tokens: '1', max_completion_tokens: '1', stream: 'false' }],
    ['sglang_generate', { max_tokens: '1', max_completion_tokens: '1', stream: 'false' }],
    ['completions', { max_tokens: '1', stream: 'false' }],
    ['messages', { max_tokens: '1', stream: 'false' }],
    ['responses', { max_output_tokens: '1', stream: 'false' }],
  ] as const)('%s', (api, set) => {
    expect(cap(api)).toEqual({ set, remove: ['stream_options', 'min_tokens'] })
  })

  test('generate has its limits in sampling_params', () => {
    const sampling = { set: { max_tokens: '1' }, remove: ['min_tokens'] }
    expect(cap('vllm_generate')).toEqual({ set: { stream: 'false' }, remove: ['stream_options'], sampling })
  })

  test('what a prefiller answers is not stored', () => {
    expect(prefillOnly('responses').set['store']).toBe('false')
    expect(prefillOnly('chat_completions')).toEqual(cap('chat_completions'))
  })
})

test('each API counts cached tokens in a place of its own', () => {
  expect(usageOf('chat_completions')).toEqual({
    wrappers: [],
    details: 'prompt_tokens_details',
    member: 'cached_tokens',
  })
  expect(usageOf('responses')).toMatchObject({ wrappers: ['response'], details: 'input_tokens_details' })
  expect(usageOf('messages')).toEqual({ wrappers: ['message'], details: undefined, member: 'cache_read_input_tokens' })
})

describe('headers', () => {
  const targets = (headers: Record<string, readonly string[]>, names: readonly string[] = prefillerHeaders) =>
    takeTargets(names, name => headers[name])

  test.each([
    [{}, undefined],
    [{ 'x-prefiller-host-port': ['a'] }, ['a']],
    [{ 'x-prefiller-host-port': [' a, b', 'c,,'] }, ['a', 'b', 'c']],
    [{ 'x-prefiller-host-port': [''] }, []],
    [{ 'x-prefiller-host-port': ['', ''] }, []],
    // The older name is the one that every picker removes from a client's request.
    [{ 'x-llm-d-prefiller-host-port': ['new'], 'x-prefiller-host-port': ['old'] }, ['old']],
    [{ 'x-llm-d-prefiller-host-port': ['new'], 'x-prefiller-host-port': [''] }, []],
    [{ 'x-llm-d-prefiller-host-port': ['new'], 'x-prefiller-url': ['url'] }, ['new']],
    [{ 'x-prefiller-url': ['http://a:1'] }, ['http://a:1']],
  ])('%j: %j', (headers, expected) => {
    expect(targets(headers as Record<string, readonly string[]>)).toEqual(expected)
  })

  test('encoders', () => {
    expect(targets({ 'x-llm-d-encoder-hosts-ports': ['a:1,b:2'] }, encoderHeaders)).toEqual(['a:1', 'b:2'])
  })
})

describe('targets', () => {
  test.each([
    ['10.0.0.5:8000', { host: '10.0.0.5', port: 8000 }],
    [' http://pod-1.ns.svc:8000 ', { host: 'pod-1.ns.svc', port: 8000 }],
    ['[::1]:8000', { host: '::1', port: 8000 }],
    ['[FE80::1]', { host: 'fe80::1', port: 80 }],
    ['pod', { host: 'pod', port: 80 }],
    ['', undefined],
    [':8000', undefined],
    ['::1', undefined],
    ['::1:8000', undefined],
    ['https://a:1', undefined],
    ['a:1/path', undefined],
    ['user@a:1', undefined],
    ['a:0', undefined],
    ['a:65536', undefined],
    ['a:99999999999', undefined],
    ['a:1\r\nx: y', undefined],
    ['a b:1', undefined],
    ['a:1?x', undefined],
    ['[zz]:1', undefined],
    ['a..b/:1', undefined],
    ['-a:1', undefined],
    [`${'a'.repeat(300)}:1`, undefined],
  ])('%j', (text, expected) => {
    expect(parseTarget(text, 80)).toEqual(expected)
  })

  test('without a default a port is required', () => {
    expect(parseTarget('a', undefined)).toBeUndefined()
  })

  test('what is written is read again', () => {
    const host = fc.oneof(fc.ipV4(), fc.ipV6(), fc.domain())
    fc.assert(
      fc.property(host, fc.integer({ min: 1, max: 65535 }), (host, port) => {
        expect(parseTarget(formatTarget({ host, port }), undefined)).toEqual({
          host: host.includes(':') ? host.toLowerCase() : host,
          port,
        })
      }),
    )
  })

  test.each([
    ['a:8000', 8000, 4, 7777],
    ['a:8002', 8000, 4, 7779],
    ['a:8003', 8000, 4, 7780],
    ['a:7999', 8000, 4, 7777],
    ['a:8004', 8000, 4, 7777],
    ['http', 8000, 4, 7777],
    ['http://a:8002', 8000, 4, 7779],
    ['a:8002', undefined, 4, 7777],
    ['a:8002', 8000, 1, 7777],
  ])('the transfer port of %s with base %s and %i ranks is %i', (text, base, ranks, port) => {
    expect(p2pPort(parseTarget(text, 80), 7777, base, ranks)).toBe(port)
  })
})

describe('ids', () => {
  test('a UUID is one of version 4', () => {
    expect(uuidOf(new Uint8Array(16))).toBe('00000000-0000-4000-8000-000000000000')
    expect(uuidOf(new Uint8Array(16).fill(255))).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff')
  })

  test('a room is a positive 63-bit integer', () => {
    expect(sglangRoom(new Uint8Array(8))).toBe('1')
    expect(sglangRoom(new Uint8Array(8).fill(255))).toBe('9223372036854775807')
  })

  test.each([
    ['abc', 8, 2],
    ['cmpl-foo-0', 8, 5],
    ['00000000-0000-0000-0000-000000000000', 8, 6],
    ['req-9f8a-2026-1p1d', 8, 2],
    ['cmpl-deadbeef-cafe-1234', 8, 4],
    ['abc', 2, 0],
    ['abc', 4, 2],
    ['abc', 16, 2],
    ['abc', 1, 0],
    ['abc', 0, 0],
  ])('the rank of %s among %i is %i', (id, ranks, rank) => {
    expect(moriioRank(id, ranks)).toBe(rank)
  })

  test('ranks of many ids are spread evenly', () => {
    const counts = new Array<number>(8).fill(0)
    for (let id = 0; id < 10_000; id++) counts[moriioRank(`request-${id}`, 8)]!++
    for (const count of counts) expect(Math.abs(count - 1250)).toBeLessThan(1250 / 4)
  })
})

describe('MoRI-IO', () => {
  const decode = { host: '10.0.0.1', notifyPort: 61005, handshakePort: 6301, hosts: ['d1', 'd2'] }
  const transfer = { transferId: 'tx1', rank: 3, tpSize: 1, dpSize: 16, dpSizeLocal: 8 }

  test('the prefiller is told where to push to', () => {
    expect(moriioPrefillParams(decode, transfer)).toEqual({
      ...nixlPrefillParams,
      remote_host: '10.0.0.1',
      remote_notify_port: 61005,
      remote_handshake_port: 6301,
      remote_dp_rank: 3,
      remote_dp_rank_override: true,
      transfer_id: 'tx1',
      tp_size: 1,
      remote_dp_size: 16,
      remote_hosts: ['d1', 'd2'],
      remote_dp_size_local: 8,
    })
  })

  test('without pods there are no pods', () => {
    const alone = moriioPrefillParams({ ...decode, hosts: [] }, transfer)
    expect(Object.keys(alone)).not.toContain('remote_hosts')
    expect(Object.keys(alone)).not.toContain('remote_dp_size_local')
  })

  test('the decoder is told where the prefiller is', () => {
    expect(moriioDecodeDefaults(decode, ['p1'], transfer)).toMatchObject({ transfer_id: 'tx1', remote_hosts: ['p1'] })
    const side = { host: '10.0.0.2', notifyPort: 1, handshakePort: 2, hosts: [] }
    expect(moriioParallelDecodeParams(side, transfer)).toMatchObject({
      do_remote_prefill: true,
      remote_engine_id: '10.0.0.2:2',
      remote_block_ids: [],
      remote_port: 2,
    })
  })
})

test('nothing here reads or writes', () => {
  for (const file of ['api-types', 'bodies', 'headers', 'ids', 'media', 'params', 'targets']) {
    const source = readFileSync(new URL(`${file}.ts`, import.meta.url), 'utf8')
    expect(source.match(/from 'node:(?!crypto').*'/g)).toBeNull()
  }
})
