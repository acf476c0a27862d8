import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { readMeasured } from './measured.ts'
import { readTrace } from './read-trace.ts'
import { TraceError } from './trace.ts'

const read = (text: string) => readTrace(text, { blockSize: 16 })
const json = (...rows: object[]) => rows.map(row => JSON.stringify(row)).join('\n')

const bench = {
  start_times: [5, 4, 6],
  input_lens: [10, 20, 30],
  output_lens: [2, 3, 4],
  ttfts: [0.1, 0.2, 0.3],
  itls: [[0.01], [0.01, 0.02], []],
  errors: ['', '', 'failed'],
}
const guide = {
  benchmarks: [
    {
      requests: {
        successful: [
          {
            ...{ request_start_time: 10, prompt_tokens: 5, output_tokens: 6, time_to_first_token_ms: 100 },
            info: { timings: { last_token_iteration: 11 } },
          },
        ],
      },
    },
  ],
}
const aiperf = {
  metadata: { request_start_ns: 2e9 },
  metrics: {
    input_sequence_length: { value: 7, unit: 'tokens' },
    output_sequence_length: { value: 8, unit: 'tokens' },
    time_to_first_token: { value: 50, unit: 'ms' },
    request_latency: { value: 0.5, unit: 's' },
  },
}

describe('formats, recognised by what is in them', () => {
  test.each<[string, string, object[]]>([
    [
      'JSON lines',
      json(
        { timestamp: 100, input_length: 5, output_length: 6, priority: 1 },
        { timestamp: 50, input_tokens: 7, output_tokens: 8 },
      ),
      [
        { arrival: 0, inputLength: 7 },
        { arrival: 50, inputLength: 5, priority: 1 },
      ],
    ],
    ['JSON lines', json({ timestamp: 0, input_length: 1, output_length: 1 }), [{ arrival: 0 }]],
    [
      'BurstGPT',
      'Timestamp,Model,Request tokens,Response tokens\n10.5,x,100,20\n12,x,5,0\n11,x,7,8\n',
      [
        { arrival: 0, inputLength: 100 },
        { arrival: 500, outputLength: 8 },
      ],
    ],
    [
      'Azure',
      'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46.6805900,374,44\n2023-11-16 18:15:50.9951690,396,109\n',
      [{ arrival: 0, inputLength: 374 }, { outputLength: 109 }],
    ],
    [
      'vllm bench serve',
      JSON.stringify(bench),
      [
        { inputLength: 20, firstToken: 200 },
        { arrival: 1000, lastToken: 1110 },
      ],
    ],
    ['GuideLLM', JSON.stringify(guide, undefined, 2), [{ firstToken: 100, lastToken: 1000 }]],
    ['AIPerf', json(aiperf, { ...aiperf, error: 'no' }), [{ inputLength: 7, firstToken: 50, lastToken: 500 }]],
  ])('%s', (format, text, requests) => {
    expect(read(text)).toMatchObject({ format, requests })
  })

  test('the number of block ids tells how long blocks are', () => {
    const row = (input_length: number, ids: number) => ({
      timestamp: 0,
      input_length,
      output_length: 1,
      hash_ids: Array(ids).fill(1),
    })
    expect(read(json(row(1000, 2))).hashBlockSize).toBe(512)
    expect(read(json(row(1000, 62))).hashBlockSize).toBe(16)
    expect(read(json({ ...row(1000, 2), block_size: 64 })).hashBlockSize).toBe(64)
  })

  test('measured times by the number of the request', () => {
    const trace = read(json({ timestamp: 0, input_length: 1, output_length: 2 }))
    const measured = readMeasured('i,first_token_s,last_token_s\n0,0.5,1.5\n', trace, { blockSize: 16 })
    expect(measured.requests[0]).toMatchObject({ firstToken: 500, lastToken: 1500 })
    expect(() => readMeasured('i,first_token_s,last_token_s\n0,2,1\n', trace, { blockSize: 16 })).toThrow(
      'line 2: its first token came after its last',
    )
  })
})

test.each([
  ['', 'the trace is empty'],
  ['hello\n', 'unknown format: known are JSON lines'],
  ['{"a":', 'line 1: not valid JSON'],
  [json({ a: 1 }), 'line 1: input_length is missing'],
  [json({ timestamp: 0, input_length: 5 }), 'line 1: output_length must be a whole number of tokens, got nothing'],
  [json({ timestamp: 0, input_length: 5, output_length: 1 }, { input_length: 1 }), 'line 2: timestamp is missing'],
  [
    json({ timestamp: 0, input_length: -5, output_length: 1 }),
    'line 1: input_length must be a whole number of tokens, got -5',
  ],
  [json({ timestamp: 'x', input_length: 5, output_length: 1 }), 'line 1: timestamp must be a number, got "x"'],
  ['Timestamp,Request tokens\n1,2\n', 'line 1: column Response tokens is missing (BurstGPT)'],
  ['TIMESTAMP,ContextTokens,GeneratedTokens\nyesterday,1,2\n', 'line 2: TIMESTAMP must be a date and a time'],
  [
    JSON.stringify({ ...bench, start_times: undefined }),
    'start_times is missing: run vllm bench serve with --save-detailed',
  ],
  [JSON.stringify({ ...bench, ttfts: [1] }), 'ttfts has not as many members as start_times'],
  [
    json({ timestamp: 0, input_length: 1, output_length: 1, first_token_ms: 2, last_token_ms: 1 }),
    'request 1: its first token came after its last',
  ],
])('%j: %s', (text, message) => {
  expect(() => read(text)).toThrow(message)
})

test('cut and changed files never end in anything but a line that says what is wrong', () => {
  const texts = [
    JSON.stringify(bench),
    JSON.stringify(guide),
    json(aiperf),
    json({ timestamp: 1, input_length: 5, output_length: 6, hash_ids: [1] }),
  ]
  fc.assert(
    fc.property(
      fc.constantFrom(...texts),
      fc.nat(400),
      fc.nat(20),
      fc.string({ maxLength: 5 }),
      (text, at, cut, put) => {
        try {
          read(text.slice(0, at) + put + text.slice(at + cut))
        } catch (error) {
          expect(error).toBeInstanceOf(TraceError)
          expect((error as Error).message).not.toContain('\n')
        }
      },
    ),
    { numRuns: 500 },
  )
})
