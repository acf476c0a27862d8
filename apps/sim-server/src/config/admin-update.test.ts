import { describe, expect, test } from 'vitest'
import { optionTable } from '../options/table.ts'
import { AdminUpdateError, applyAdminUpdate, applyFakeMetricsUpdate } from './admin-update.ts'
import { configView } from './admin-view.ts'
import { type Config, configOfRank } from './config.ts'
import { loadModel } from './testing/load.ts'

function errorOf(action: () => unknown): string {
  try {
    action()
  } catch (error) {
    return error instanceof AdminUpdateError ? error.message : `not an AdminUpdateError: ${error}`
  }
  return 'no error'
}

function view(config: Config): Record<string, unknown> {
  return JSON.parse(configView(config))
}

test('of the reference’s options exactly these can be changed', () => {
  const live = (kind: string) =>
    [...optionTable].filter(([, row]) => row.live === kind && row.shown).map(([name]) => name)
  expect(live('latency').sort()).toEqual(
    [
      ...['latency-calculator', 'time-factor-under-load', 'time-to-first-token', 'time-to-first-token-std-dev'],
      ...['inter-token-latency', 'inter-token-latency-std-dev', 'kv-cache-transfer-latency'],
      ...['kv-cache-transfer-latency-std-dev', 'prefill-overhead', 'prefill-time-per-token', 'prefill-time-std-dev'],
      ...['kv-cache-transfer-time-per-token', 'kv-cache-transfer-time-std-dev'],
    ].sort(),
  )
  expect(live('other').sort()).toEqual([
    ...['failure-injection-rate', 'failure-types', 'fake-metrics', 'image-emission-rate'],
    ...['time-to-generate-image', 'time-to-generate-image-std-dev'],
  ])
})

test('options of ours can be changed too, within their bounds, and the view of the reference stays', async () => {
  const config = await loadModel()
  const changed = applyAdminUpdate(config, '{"reasoning-rate": 7, "reasoning-max-tokens": 3}').config
  expect(changed).toMatchObject({ reasoningRate: 7, reasoningMaxTokens: 3 })
  expect(configView(changed)).toBe(configView(config))
  for (const value of [-1, 101]) {
    expect(() => applyAdminUpdate(config, JSON.stringify({ 'reasoning-rate': value }))).toThrow(AdminUpdateError)
  }
})

describe('values', () => {
  test('latency options change the latency model', async () => {
    const before = await loadModel('--time-to-first-token-std-dev', '1ms', '--time-to-first-token', '10ms')
    const { config, latencyChanged, fakeMetricsUpdate } = applyAdminUpdate(
      before,
      '{"time-to-first-token":"250ms","time-factor-under-load":1.5,"latency-calculator":"constant"}',
    )
    expect(latencyChanged).toBe(true)
    expect(fakeMetricsUpdate).toBeUndefined()
    expect(config.latency).toMatchObject({
      timeToFirstToken: 250,
      timeToFirstTokenDeviation: 1,
      timeFactorUnderLoad: 1.5,
      calculator: 'constant',
    })
    expect(view(config)).toEqual({
      ...view(before),
      'time-to-first-token': '250ms',
      'time-factor-under-load': 1.5,
      'latency-calculator': 'constant',
    })
    expect(before.latency.timeToFirstToken).toBe(10)
  })

  test('integers for durations are nanoseconds', async () => {
    const { config } = applyAdminUpdate(await loadModel(), '{"inter-token-latency":1500000}')
    expect(config.interTokenLatency).toBe(1.5)
    expect(view(config)['inter-token-latency']).toBe('1.5ms')
  })

  test('other options leave the latency model alone', async () => {
    const { config, latencyChanged } = applyAdminUpdate(
      await loadModel(),
      '{"failure-injection-rate":100,"failure-types":["rate_limit"],"image-emission-rate":5,"time-to-generate-image":"1s"}',
    )
    expect(latencyChanged).toBe(false)
    expect(config).toMatchObject({ failureInjectionRate: 100, failureTypes: ['rate_limit'], timeToGenerateImage: 1000 })
  })

  test.each(['{}', 'null', ' {} '])('%s changes nothing', async body => {
    const before = await loadModel()
    const { config, latencyChanged } = applyAdminUpdate(before, body)
    expect(view(config)).toEqual(view(before))
    expect(latencyChanged).toBe(false)
  })

  test('null leaves values as they are, but empties failure-types', async () => {
    const before = await loadModel(
      '--failure-types',
      'rate_limit',
      '--time-to-first-token',
      '1s',
      '--fake-metrics',
      '{}',
    )
    const body = '{"failure-types":null,"time-to-first-token":null,"failure-injection-rate":null,"fake-metrics":null}'
    const { config, fakeMetricsUpdate } = applyAdminUpdate(before, body)
    expect(view(config)).toEqual({ ...view(before), 'failure-types': null })
    expect(config.failureTypes).toEqual([])
    expect(fakeMetricsUpdate).toBeUndefined()
  })

  test('an empty list is shown as such, the last of equal keys counts', async () => {
    const { config } = applyAdminUpdate(
      await loadModel('--failure-types', 'rate_limit'),
      '{"failure-types":["bogus"],"failure-types":[]}',
    )
    expect(view(config)['failure-types']).toEqual([])
  })

  test('a rank stays the rank that it is', async () => {
    const rank = configOfRank(await loadModel('--data-parallel-size', '3'), 2)
    const { config } = applyAdminUpdate(rank, '{"inter-token-latency":"1ms"}')
    expect(config).toMatchObject({ port: 8002, rank: 2, zmqEndpoint: 'tcp://127.0.0.1:5559', interTokenLatency: 1 })
  })

  test('a seed of the start stays, and so does what was not asked for', async () => {
    const before = await loadModel()
    expect(applyAdminUpdate(before, '{"inter-token-latency":"1ms"}').config.seed).toBe(before.seed)
  })
})

describe('refused', () => {
  const payload = 'failed to unmarshal payload: '

  test.each([
    ['{"time-to-first-token":"abc"}', 'field "time-to-first-token": time: invalid duration "abc"'],
    ['{"render-timeout":"abc"}', 'field "render-timeout": time: invalid duration "abc"'],
    ['{"render-timeout":"1s"}', "field 'render-timeout' is not admin-configurable"],
    ['{"port":1}', "field 'port' is not admin-configurable"],
    ['{"Failure-injection-rate":1}', "field 'Failure-injection-rate' is not admin-configurable"],
    ['{"max_num_seqs":1}', "field 'max_num_seqs' is not admin-configurable"],
    ['{"port":1,"time-to-first-token":"abc"}', 'field "time-to-first-token": time: invalid duration "abc"'],
    ['{"image-emission-rate":101}', 'image emission rate should be between 0 and 100'],
    ['{"failure-types":["bogus"]}', /^invalid failure type 'bogus', valid types are: rate_limit, /],
    ['{"time-to-first-token":"-1s"}', 'time to first token cannot be negative'],
    ['{"time-to-first-token":5.5}', `${payload}time-to-first-token: expected a duration`],
    ['{"time-to-first-token":[]}', `${payload}time-to-first-token: expected a duration`],
    ['{"failure-injection-rate":"5"}', `${payload}failure-injection-rate: expected an integer, got "5"`],
    ['{"failure-injection-rate":5.5}', `${payload}failure-injection-rate: expected an integer, got 5.5`],
    ['{"time-factor-under-load":"2"}', `${payload}time-factor-under-load: expected a number, got "2"`],
    ['{"latency-calculator":3}', `${payload}latency-calculator: expected a string, got 3`],
    ['{"failure-types":"rate_limit"}', `${payload}failure-types: expected a list of strings`],
    ['{"fake-metrics":[]}', `${payload}fake-metrics: fake-metrics must be an object`],
    [
      '{"fake-metrics":{"running-requests":"ramp:1"}}',
      `${payload}unknown format in fake metric generation function: need func:start:end:period in fake metric generation function`,
    ],
    ['{"fake-metrics":{"running-requests":-1}}', 'fake metrics request counters cannot be negative'],
    [
      '{"fake-metrics":{"running-requests":7}}',
      'the simulator is reporting real metrics; fake metrics cannot be updated',
    ],
    ['not json', payload],
    ['', payload],
    ['[]', `${payload}expected a JSON object`],
    ['{"port":1} {}', payload],
  ])('%s', async (body, message) => {
    const config = await loadModel()
    const error = errorOf(() => applyAdminUpdate(config, body))
    typeof message === 'string' ? expect(error.startsWith(message), error).toBe(true) : expect(error).toMatch(message)
  })

  test('what was there before counts in the rules', async () => {
    const config = await loadModel('--time-to-first-token', '10ms', '--time-to-first-token-std-dev', '3ms')
    expect(errorOf(() => applyAdminUpdate(config, '{"time-to-first-token":"9ms","image-emission-rate":5}'))).toBe(
      'time to first token standard deviation cannot be more than 30% of time to first token',
    )
    expect(config).toMatchObject({ timeToFirstToken: 10, imageEmissionRate: 0 })
  })
})

describe('fake metrics', () => {
  test('the update is handed on, the merged whole is reported', async () => {
    const before = await loadModel('--fake-metrics', '{"running-requests":"ramp:0:9:1m","waiting-requests":2}')
    const { config, fakeMetricsUpdate } = applyAdminUpdate(
      before,
      '{"failure-injection-rate":42,"fake-metrics":{"running-requests":7,"kv-cache-usage":null}}',
    )
    expect(fakeMetricsUpdate).toEqual({ runningRequests: 7, histograms: {} })
    expect(view(config)).toMatchObject({
      'failure-injection-rate': 42,
      'fake-metrics': { 'running-requests': 7, 'waiting-requests': 2 },
    })
  })

  test('one prefix counter alone is fine when the pair is', async () => {
    const before = await loadModel('--fake-metrics', '{"prefix-cache-hits":1,"prefix-cache-queries":2}')
    expect(applyAdminUpdate(before, '{"fake-metrics":{"prefix-cache-queries":9}}').fakeMetricsUpdate).toEqual({
      prefixCacheQueries: 9,
      histograms: {},
    })
    expect(errorOf(() => applyAdminUpdate(before, '{"fake-metrics":{"prefix-cache-hits":9}}'))).toBe(
      'fake metrics prefix-cache-hits cannot exceed prefix-cache-queries',
    )
  })

  test('the deprecated body is the object itself, and nothing can be slipped in beside it', async () => {
    const before = await loadModel('--fake-metrics', '{}')
    expect(applyFakeMetricsUpdate(before, '{"running-requests":7}').config.fakeMetrics).toEqual({
      'running-requests': 7,
    })
    expect(errorOf(() => applyFakeMetricsUpdate(before, '{},"failure-injection-rate":100'))).toMatch(
      /^failed to unmarshal payload: /,
    )
    expect(errorOf(() => applyFakeMetricsUpdate(before, '[1]'))).toBe(
      'failed to unmarshal payload: expected a JSON object',
    )
  })

  test('the deprecated body needs fake metrics at start, too', async () => {
    const before = await loadModel()
    expect(errorOf(() => applyFakeMetricsUpdate(before, '{}'))).toBe(
      'the simulator is reporting real metrics; fake metrics cannot be updated',
    )
  })
})
