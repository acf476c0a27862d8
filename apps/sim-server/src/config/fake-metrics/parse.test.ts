import { describe, expect, test } from 'vitest'
import { errorOf, load, loadYaml } from '../testing/load.ts'
import { parseFakeMetrics } from './parse.ts'

test('JSON: numbers, functions, lists and counts', () => {
  expect(
    parseFakeMetrics(
      {
        'running-requests': 7,
        'waiting-requests': 'oscillate:0:5:1s',
        'kv-cache-usage': 0.3,
        loras: [{ running: 'a,b', waiting: 'c', timestamp: 1257894567 }, { running: 'd' }],
        'ttft-buckets-values': [10, 0],
        'request-success-total': { stop: 20, length: null },
        'total-prompt-tokens': 12345,
        'prefix-cache-hits': null,
        unknown: 1,
      },
      'json',
    ),
  ).toEqual({
    'running-requests': 7,
    'waiting-requests': { name: 'oscillate', start: 0, end: 5, periodMs: 1000 },
    'kv-cache-usage': 0.3,
    loras: [{ running: 'a,b', waiting: 'c', timestamp: 1257894567 }, { running: 'd' }],
    'ttft-buckets-values': [10, 0],
    'request-success-total': { stop: 20 },
    'total-prompt-tokens': 12345,
  })
})

test('YAML: quoted numbers, dropped fractions, LoRA entries as JSON text, both spellings of the totals', async () => {
  const { config } = await loadYaml(`
model: m
fake-metrics:
  running-requests: "7"
  waiting-requests: ramp:0:10:1m
  loras: ['{"running":"a","waiting":"","timestamp":1}', {running: b}]
  request-prompt-tokens: [10, "20", 30.9]
  total-prompt-tokens: 5
  totalgenerationtokens: 6
  request-success-total: {stop: "3"}
  prefix-cache-hits:
`)
  expect(config.fakeMetrics).toEqual({
    'running-requests': 7,
    'waiting-requests': { name: 'ramp', start: 0, end: 10, periodMs: 60_000 },
    loras: [{ running: 'a', waiting: '', timestamp: 1 }, { running: 'b' }],
    'request-prompt-tokens': [10, 20, 30],
    'total-prompt-tokens': 5,
    'total-generation-tokens': 6,
    'request-success-total': { stop: 3 },
  })
})

test('unknown keys are told', () => {
  const unknown: string[] = []
  parseFakeMetrics({ a: 1, 'running-requests': 1, b: null }, 'json', key => unknown.push(key))
  expect(unknown).toEqual(['a', 'b'])
})

describe('errors', () => {
  const format = 'unknown format in fake metric generation function: '

  test.each([
    [{ 'running-requests': 'ramp:0:1' }, `${format}need func:start:end:period in fake metric generation function`],
    [{ 'running-requests': '7' }, `${format}need func:start:end:period in fake metric generation function`],
    [{ 'kv-cache-usage': 'ramp:a:1:1s' }, `${format}strconv.ParseFloat: parsing "a": invalid syntax`],
    [{ 'kv-cache-usage': 'ramp:0:1:170' }, `${format}time: missing unit in duration "170"`],
    [{ 'running-requests': true }, 'running-requests: expected a number or name:start:end:period'],
    [{ 'ttft-buckets-values': [1, 1.5] }, 'ttft-buckets-values[1]: expected an integer, got 1.5'],
    [{ 'ttft-buckets-values': 3 }, 'ttft-buckets-values: expected a list of integers'],
    [{ 'total-prompt-tokens': '3' }, 'total-prompt-tokens: expected an integer, got "3"'],
    [{ 'request-success-total': [1] }, 'request-success-total: expected an object with a count per finish reason'],
    [{ 'request-success-total': { stop: 'x' } }, 'request-success-total.stop: expected an integer, got "x"'],
    [{ loras: ['{"running":"a"}'] }, 'loras[0]: expected an object with running, waiting and timestamp'],
    [{ loras: [{ running: 3 }] }, 'loras[0]: running and waiting must be strings, timestamp a number'],
    [[], 'fake-metrics must be an object'],
  ])('%j', (value, message) => {
    expect(() => parseFakeMetrics(value, 'json')).toThrow(new Error(message))
  })

  test('on the command line and in a file', async () => {
    expect(await errorOf(load(['--model', 'm', '--fake-metrics', '{']))).toMatch(
      /^invalid argument "\{" for "--fake-metrics" flag: not valid JSON: /,
    )
    expect(await errorOf(loadYaml("model: m\nfake-metrics:\n  loras: ['{']"))).toMatch(
      /^failed to unmarshal configuration: line 2: fake-metrics: .*JSON/,
    )
  })
})
