import { VirtualClock } from '@vllm-sim/core-engine'
import { Counter, Registry as EntryRegistry, Gauge, Histogram, Summary } from 'prom-client'
import { describe, expect, test } from 'vitest'
import { createMetrics } from './create-metrics.ts'
import { type MetricsOptions, VersionError } from './options.ts'
import { metricRows } from './table/index.ts'

function create(options: Partial<MetricsOptions> = {}) {
  return createMetrics({
    clock: new VirtualClock(),
    modelName: 'testmodel',
    maxModelLen: 1024,
    maxLoras: 1,
    cacheConfig: { blockSize: 8, numGpuBlocks: 16 },
    ...options,
  })
}

function typesOf(text: string): Map<string, string> {
  return new Map([...text.matchAll(/^# TYPE (\S+) (\S+)$/gm)].map(match => [match[1]!, match[2]!]))
}

describe('from the start', () => {
  test('every family is there, with its type, in order of names', async () => {
    const text = await create({
      kvConnector: 'nixl',
      processStats: () => ({ cpuSeconds: 0.5, residentBytes: 1 }),
    }).render()
    const shown = metricRows
      .map(([, row]) => row)
      .filter(({ name, removedIn }) => !removedIn && !/^process_(virtual|start|open|max)/.test(name))
    const expected = shown.map(({ name, type }) => [name, type]).sort(([a], [b]) => (a! < b! ? -1 : 1))
    expect([...typesOf(text)]).toEqual(expected)
  })

  test('every series of the engine is 0', async () => {
    const text = await create().render()
    const notZero = text.split('\n').filter(line => line.startsWith('vllm:') && !line.endsWith(' 0'))
    expect(notZero.map(line => line.split('{')[0])).toEqual([
      'vllm:cache_config_info',
      'vllm:engine_sleep_state',
      'vllm:lora_requests_info',
    ])
  })

  test('all reasons of success exist', async () => {
    const lines = (await create().render()).match(/finish_reason="\w+"/g)
    const reasons = ['abort', 'cache_threshold', 'error', 'length', 'remote_decode', 'stop', 'tool_calls']
    expect(lines).toEqual(reasons.map(reason => `finish_reason="${reason}"`))
  })
})

test('the text is literally that of the reference', async () => {
  const { observer, render } = create()
  observer.onCacheUsage!(0.125)
  const text = await render(['vllm:cache_config_info', 'vllm:kv_cache_usage_perc'])
  expect(text).toBe(`# HELP vllm:cache_config_info Information of the LLMEngine CacheConfig.
# TYPE vllm:cache_config_info gauge
vllm:cache_config_info{block_size="8",num_gpu_blocks="16"} 1
# HELP vllm:kv_cache_usage_perc Prometheus metric for the fraction of KV-cache blocks currently in use (from 0 to 1).
# TYPE vllm:kv_cache_usage_perc gauge
vllm:kv_cache_usage_perc{model_name="testmodel"} 0.125
`)
})

describe('name[]', () => {
  test('picks families, and samples of families', async () => {
    const { render } = create()
    expect(await render(['vllm:num_requests_running'])).toMatch(/^# HELP.*\n# TYPE.*\nvllm:num_requests_running{.*\n$/)
    expect(await render(['vllm:request_params_n_count'])).toMatch(
      /^# HELP.*\n# TYPE.*\nvllm:request_params_n_count{.*\n$/,
    )
    expect((await render(['vllm:request_params_n'])).split('\n')).toHaveLength(2 + 6 + 2 + 1)
  })

  test('an unknown name gives nothing, no name gives all', async () => {
    const { render } = create()
    expect(await render(['nothing'])).toBe('')
    expect(await render([])).toBe(await render())
  })
})

describe('labels of vLLM', () => {
  test('engine on the engine’s series, finished_reason, all cache options', async () => {
    const text = await create({
      labels: 'vllm',
      engineIndex: 3,
      cacheConfig: { blockSize: 8, numGpuBlocks: 16, fields: { gpu_memory_utilization: 0.5, sliding_window: 128 } },
    }).render()
    expect(text).toContain('vllm:num_requests_running{engine="3",model_name="testmodel"} 0\n')
    expect(text).toContain('vllm:request_success_total{engine="3",finished_reason="stop",model_name="testmodel"} 0\n')
    expect(text).toContain('vllm:request_params_n_bucket{engine="3",model_name="testmodel",le="+Inf"} 0\n')
    expect(text).toContain('vllm:lora_requests_info{max_lora="1",')
    const info = /^vllm:cache_config_info{(.*)} 1$/m.exec(text)![1]!
    for (const pair of [
      'block_size="8"',
      'num_gpu_blocks="16"',
      'kv_cache_size_tokens="128"',
      'gpu_memory_utilization="0.5"',
      'sliding_window="128"',
      'enable_prefix_caching="True"',
      'num_gpu_blocks_override="None"',
      'engine="3"',
    ]) {
      expect(info.split(',')).toContain(pair)
    }
    expect(info.split(',')).toHaveLength(29)
  })
})

describe('names that vLLM dropped', () => {
  test('come back for the version that had them, with the values of the new ones', async () => {
    const { observer, render } = create({ showHiddenMetricsForVersion: '0.11' })
    observer.onCacheUsage!(0.5)
    observer.onPrefixLookup!(10, 4)
    const text = await render()
    expect(text).toContain('vllm:gpu_cache_usage_perc{model_name="testmodel"} 0.5\n')
    expect(text).toContain('vllm:gpu_prefix_cache_queries_total{model_name="testmodel"} 10\n')
    expect(text).toContain('vllm:gpu_prefix_cache_hits_total{model_name="testmodel"} 4\n')
  })

  test('stay away for a version that no longer had them, and by default', async () => {
    for (const showHiddenMetricsForVersion of ['0.12', '1.0', undefined]) {
      expect(await create({ showHiddenMetricsForVersion }).render()).not.toContain('vllm:gpu_')
    }
  })

  test('a text that is no version is refused', () => {
    expect(() => create({ showHiddenMetricsForVersion: 'latest' })).toThrow(VersionError)
  })
})

test('without log stats there is no series of the engine', async () => {
  const { render, http } = create({ logStats: false })
  http.record('/v1/models', 'GET', 200, 0.01, 0, 1)
  expect(await render()).not.toContain('vllm:')
  expect(await render()).toContain('http_requests_total{handler="/v1/models",method="GET",status="2xx"} 1\n')
})

describe('process', () => {
  test('values are asked for once per scrape, those the platform lacks are absent', async () => {
    let asked = 0
    const { render } = create({ processStats: () => ({ cpuSeconds: ++asked, openFds: 12 }) })
    const text = await render()
    expect(text).toContain('process_cpu_seconds_total 1\n')
    expect(text).toContain('process_open_fds 12\n')
    expect(text).not.toContain('process_max_fds')
    expect(await render()).toContain('process_cpu_seconds_total 2\n')
  })
})

describe('the registry', () => {
  test("is prom-client's class, so metrics of a user appear in the same text", async () => {
    const { registry, render } = create()
    expect(registry).toBeInstanceOf(EntryRegistry)
    const registers = [registry]
    new Counter({ name: 'a_total', help: 'First.', labelNames: ['z', 'b'], registers }).inc({ z: '1', b: 'x"y' }, 2e6)
    new Gauge({ name: 'zz', help: 'Last.', registers }).set(Number.NaN)
    new Histogram({ name: 'http_z', help: 'Middle.', labelNames: ['a'], buckets: [1, 2e6], registers }).observe(
      { a: 'q' },
      1.5,
    )
    new Summary({ name: 's', help: 'Summary.', percentiles: [0.5], registers }).observe(3)
    const text = await render()
    expect(text.startsWith('# HELP a_total First.\n# TYPE a_total counter\na_total{b="x\\"y",z="1"} 2e+06\n')).toBe(
      true,
    )
    expect(text.endsWith('# HELP zz Last.\n# TYPE zz gauge\nzz NaN\n')).toBe(true)
    expect(text).toContain(
      'http_z_bucket{a="q",le="1.0"} 0\nhttp_z_bucket{a="q",le="2e+06"} 1\nhttp_z_bucket{a="q",le="+Inf"} 1\n' +
        'http_z_sum{a="q"} 1.5\nhttp_z_count{a="q"} 1\n',
    )
    expect(text).toContain('s{quantile="0.5"} 3\n')
  })

  test("prom-client's own text has the same samples", async () => {
    const { registry, render, observer } = create()
    observer.onCacheUsage!(0.25)
    const samples = (text: string) =>
      text
        .split('\n')
        .filter(line => line !== '' && !line.startsWith('#'))
        .map(line => [line.split(/[ {]/)[0], Number(line.slice(line.lastIndexOf(' ')))])
        .sort()
    expect(samples(await registry.metrics())).toEqual(samples(await render()))
  })

  test('is its own for each server', async () => {
    const [one, two] = [create(), create()]
    one.observer.onCacheUsage!(1)
    expect(await two.render(['vllm:kv_cache_usage_perc'])).toMatch(/ 0\n$/)
  })

  test('reset clears what was counted and keeps what is', async () => {
    const { registry, render, observer } = create()
    observer.onCacheUsage!(0.5)
    observer.onPrefixLookup!(3, 1)
    registry.resetMetrics()
    expect(await render(['vllm:kv_cache_usage_perc'])).toMatch(/ 0\.5\n$/)
    expect(await render(['vllm:prefix_cache_queries_total'])).toMatch(/ 0\n$/)
  })
})
