import { describe, expect, test } from 'vitest'
import { type ContractServer, contractServer, envelope, eventually, generation, prompt } from './contract-server.ts'

// Metrics that are made up: values, histograms, generators, updates and what is absent.

const m = '{model_name="m"}'
const update = async (server: ContractServer, fake: object): Promise<void> => {
  const reply = await server.post('/admin/config', { 'fake-metrics': fake })
  expect(reply.status, reply.text).toBe(200)
}
const families = (text: string): string[] => [...text.matchAll(/^# TYPE (\S+)/gm)].map(match => match[1]!)

describe('values', () => {
  const fake = {
    'running-requests': 16,
    'waiting-requests': 3,
    'kv-cache-usage': 0.3,
    'request-success-total': { stop: 20 },
    'request-prompt-tokens': [10, 20, 30],
    'request-generation-tokens': [50, 60, 40],
    'request-params-max-tokens': [128, 256, 512],
    'request-max-generation-tokens': [0, 0, 10, 20],
    loras: [
      { running: 'lora1,lora2', waiting: 'lora3', timestamp: 1257894567 },
      { running: 'lora1,lora3', waiting: '', timestamp: 1257894569 },
    ],
    'ttft-buckets-values': [10, 20, 30, 10],
    'tpot-buckets-values': [0, 0, 10, 20, 30],
    'request-tpot-buckets-values': [0, 1],
    'e2erl-buckets-values': [1, 2],
    'queue-time-buckets-values': [1],
    'inf-time-buckets-values': [2],
    'prefill-time-buckets-values': [3],
    'decode-time-buckets-values': [4],
    'prefix-cache-hits': 100,
    'prefix-cache-queries': 200,
  }
  const server = contractServer(['--fake-metrics', JSON.stringify(fake), '--enable-kvcache', '--zmq-endpoint', ''], {
    env: { POD_IP: '127.0.0.1' },
  })

  test('are shown as they were given, whatever is served', async () => {
    const before = await server.metrics()
    for (const line of [
      `vllm:num_requests_running${m} 16`,
      `vllm:num_requests_waiting${m} 3`,
      `vllm:kv_cache_usage_perc${m} 0.3`,
      'vllm:lora_requests_info{max_lora="1",running_lora_adapters="lora1,lora2",waiting_lora_adapters="lora3"} 1.257894567e+09',
      'vllm:lora_requests_info{max_lora="1",running_lora_adapters="lora1,lora3",waiting_lora_adapters=""} 1.257894569e+09',
      'vllm:request_success_total{finish_reason="stop",model_name="m"} 20',
      'vllm:request_success_total{finish_reason="length",model_name="m"} 0',
      'vllm:request_success_total{finish_reason="cache_threshold",model_name="m"} 0',
      'vllm:request_prompt_tokens_bucket{model_name="m",le="1.0"} 10',
      'vllm:request_prompt_tokens_bucket{model_name="m",le="2.0"} 30',
      'vllm:request_prompt_tokens_bucket{model_name="m",le="5.0"} 60',
      'vllm:request_prompt_tokens_bucket{model_name="m",le="+Inf"} 60',
      `vllm:request_prompt_tokens_sum${m} 200`,
      `vllm:request_prompt_tokens_count${m} 60`,
      `vllm:prompt_tokens_total${m} 200`,
      `vllm:generation_tokens_total${m} 370`,
      `vllm:max_num_generation_tokens_count${m} 30`,
      'vllm:time_to_first_token_seconds_bucket{model_name="m",le="0.02"} 70',
      'vllm:time_per_output_token_seconds_bucket{model_name="m",le="0.05"} 10',
      'vllm:inter_token_latency_seconds_bucket{model_name="m",le="0.1"} 60',
      `vllm:request_time_per_output_token_seconds_count${m} 1`,
      `vllm:e2e_request_latency_seconds_count${m} 3`,
      `vllm:request_queue_time_seconds_sum${m} 0.3`,
      `vllm:request_inference_time_seconds_count${m} 2`,
      `vllm:request_prefill_time_seconds_count${m} 3`,
      `vllm:request_decode_time_seconds_count${m} 4`,
      `vllm:prefix_cache_hits_total${m} 100`,
      `vllm:prefix_cache_queries_total${m} 200`,
      'vllm:cache_config_info{block_size="16",num_gpu_blocks="1024"} 1',
    ]) {
      expect(before).toContain(`\n${line}\n`)
    }
    const reply = await server.post('/v1/completions', { model: 'm', prompt: `${prompt} `.repeat(20), max_tokens: 5 })
    expect(reply.status).toBe(200)
    expect(await server.metrics()).toBe(before)
  })

  test('change one by one', async () => {
    await update(server, { 'running-requests': 7, 'waiting-requests': null })
    expect(await server.load()).toEqual({ running: 7, waiting: 3 })
    await update(server, { 'ttft-buckets-values': [1, 2] })
    expect(await server.metric(`vllm:time_to_first_token_seconds_count${m}`)).toBe(3)
    await update(server, { 'prefix-cache-hits': 150 })
    expect(await server.metric(`vllm:prefix_cache_hits_total${m}`)).toBe(150)
    await update(server, { 'request-success-total': { length: 4 } })
    expect(await server.metric('vllm:request_success_total{finish_reason="length",model_name="m"}')).toBe(4)
    await update(server, { loras: [{ running: 'x', waiting: 'y', timestamp: 5 }] })
    const adapters = async (): Promise<string[]> =>
      (await server.metrics()).split('\n').filter(line => line.startsWith('vllm:lora_requests_info{'))
    expect(await adapters()).toEqual([
      'vllm:lora_requests_info{max_lora="1",running_lora_adapters="x",waiting_lora_adapters="y"} 5',
    ])
    await update(server, { loras: [] })
    const empty = await adapters()
    expect(empty).toHaveLength(1)
    expect(empty[0]).toMatch(/\{max_lora="1",running_lora_adapters="",waiting_lora_adapters=""\} 1\./)
  })

  test('an empty array makes families disappear, their text included', async () => {
    const present = async (name: string): Promise<boolean> => families(await server.metrics()).includes(`vllm:${name}`)
    await update(server, { 'tpot-buckets-values': [] })
    expect(await present('time_per_output_token_seconds')).toBe(false)
    expect(await present('inter_token_latency_seconds')).toBe(false)
    expect(await server.metrics()).not.toContain('inter_token_latency')
    await update(server, { 'request-prompt-tokens': [] })
    expect([await present('request_prompt_tokens'), await present('prompt_tokens_total')]).toEqual([false, false])
    await update(server, { 'tpot-buckets-values': [0, 5] })
    expect(await server.metric(`vllm:inter_token_latency_seconds_count${m}`)).toBe(5)
  })

  test('both endpoints refuse the same; nothing changes then', async () => {
    const before = await server.metrics()
    const config = (await server.get('/admin/config')).text
    for (const [fake, message] of [
      [{ 'running-requests': -1 }, 'fake metrics request counters cannot be negative'],
      [{ 'kv-cache-usage': 1.5 }, 'fake metrics KV cache usage must be between 0 and 1'],
      [{ 'kv-cache-usage': 'ramp:0:2:1s' }, 'fake metrics KV cache usage start and end must be between 0 and 1'],
      [
        { 'running-requests': 'foo:0:8:10s' },
        'invalid fake metrics generation function foo, must be one of the following: oscillate, ramp, rampreset, squarewave',
      ],
      [
        { 'running-requests': 'ramp:-1:8:10s' },
        'invalid fake metrics generation parameter: start and end must not be negative',
      ],
      [{ 'running-requests': 'ramp:1:8:0s' }, 'invalid fake metrics generation parameter: period must be positive'],
      [{ 'ttft-buckets-values': Array(24).fill(1) }, 'fake time-to-first-token array is too long'],
      [{ 'tpot-buckets-values': Array(21).fill(1) }, 'fake time-per-output-token array is too long'],
      [{ 'ttft-buckets-values': [-1] }, 'time-to-first-token fake metrics should contain only non-negative values'],
      [{ 'tpot-buckets-values': [-1] }, 'time-per-output-token fake metrics should contain only non-negative values'],
      [{ 'e2erl-buckets-values': [-1] }, 'fake metrics e2erl-buckets-values cannot contain negative values'],
      [{ 'request-prompt-tokens': [-1] }, 'fake metrics request-prompt-tokens cannot contain negative values'],
      [{ 'request-success-total': { stop: -1 } }, 'fake metrics request-success-total.stop cannot be negative, got -1'],
      [
        { 'request-success-total': { bogus: 1 } },
        'invalid finish reason in request-success-total: bogus (valid reasons: [stop length tool_calls remote_decode cache_threshold])',
      ],
      [{ 'prefix-cache-hits': -1 }, 'fake metrics prefix-cache-hits cannot be negative'],
      [{ 'prefix-cache-hits': 900 }, 'fake metrics prefix-cache-hits cannot exceed prefix-cache-queries'],
      [{ 'total-prompt-tokens': -1 }, 'fake metrics total-prompt-tokens cannot be negative'],
    ] as const) {
      const reply = await server.post('/admin/config', { 'fake-metrics': fake })
      expect([reply.status, reply.json]).toEqual([400, envelope(400, 'BadRequestError', message)])
      const old = await server.post('/fake_metrics', fake)
      expect([old.status, old.json]).toEqual([
        400,
        envelope(400, 'BadRequestError', `Failed to update fake metrics: ${message}`),
      ])
    }
    const format =
      'failed to unmarshal payload: unknown format in fake metric generation function: need func:start:end:period in fake metric generation function'
    expect((await server.post('/admin/config', { 'fake-metrics': { 'running-requests': 'ramp:1' } })).json).toEqual(
      envelope(400, 'BadRequestError', format),
    )
    expect(await server.metrics()).toBe(before)
    expect((await server.get('/admin/config')).text).toBe(config)
  })

  test('the old endpoint answers 204', async () => {
    const reply = await server.post('/fake_metrics', { 'waiting-requests': 9 })
    expect([reply.status, reply.text]).toEqual([204, ''])
    expect(await server.load()).toEqual({ running: 7, waiting: 9 })
    expect(server.log.match(/endpoint is deprecated/g)).toHaveLength(1)
  })
})

describe('absence', () => {
  const server = contractServer(['--fake-metrics', '{}'])

  test('what is not configured is not there', async () => {
    expect(families(await server.metrics())).toEqual(['vllm:cache_config_info', 'vllm:lora_requests_info'])
    await server.post('/v1/completions', generation['/v1/completions'])
    expect(families(await server.metrics())).toEqual(['vllm:cache_config_info', 'vllm:lora_requests_info'])
  })

  test('counters of tokens: a total wins over the histogram until that is given anew', async () => {
    const total = (): Promise<number | undefined> => server.metric(`vllm:prompt_tokens_total${m}`)
    await update(server, { 'request-prompt-tokens': [1, 2, 3], 'total-prompt-tokens': 12345 })
    expect(await total()).toBe(12345)
    await update(server, { 'request-prompt-tokens': [10, 20] })
    expect(await total()).toBe(50)
    await update(server, { 'total-prompt-tokens': 58 })
    expect(await total()).toBe(58)
    expect(await server.metric(`vllm:request_prompt_tokens_count${m}`)).toBe(30)
    await update(server, { 'request-generation-tokens': [] })
    expect(families(await server.metrics())).not.toContain('vllm:generation_tokens_total')
  })

  test('one of the two prefix counters alone is refused', async () => {
    expect((await server.post('/admin/config', { 'fake-metrics': { 'prefix-cache-hits': 1 } })).json).toEqual(
      envelope(
        400,
        'BadRequestError',
        'fake metrics prefix-cache-hits and prefix-cache-queries must be specified together',
      ),
    )
  })
})

describe('generators', () => {
  const generators = {
    'running-requests': 'oscillate:1:5:1s',
    'waiting-requests': 'squarewave:10:15:400ms',
    'kv-cache-usage': 'ramp:0:1:700ms',
  }
  const server = contractServer([
    '--fake-metrics',
    JSON.stringify(generators),
    '--fake-metrics-refresh-interval',
    '20ms',
  ])
  const usage = async (): Promise<number> => (await server.metric(`vllm:kv_cache_usage_perc${m}`))!

  test('move within their bounds', async () => {
    const seen = { running: new Set<number>(), waiting: new Set<number>(), usage: [] as number[] }
    await eventually(async () => {
      const { running, waiting } = await server.load()
      seen.running.add(running)
      seen.waiting.add(waiting)
      seen.usage.push(await usage())
      expect([...seen.waiting].sort()).toEqual([10, 15])
      expect(seen.running.size).toBeGreaterThan(3)
      expect(seen.usage.at(-1)).toBe(1)
    })
    for (const one of seen.running) expect([1, 2, 3, 4, 5]).toContain(one)
    expect(seen.usage).toEqual([...seen.usage].sort((a, b) => a - b))
  })

  test('fall and begin again', async () => {
    await update(server, { 'kv-cache-usage': 'rampreset:1:0:550ms' })
    const seen = [await usage()]
    await eventually(async () => {
      seen.push(await usage())
      expect(seen.some((one, at) => at > 0 && one > seen[at - 1]!)).toBe(true)
      expect(seen.some((one, at) => at > 0 && one < seen[at - 1]!)).toBe(true)
    })
  })

  test('are shown as text, and end when a number replaces them', async () => {
    const shown = async (): Promise<object> => (await server.get('/admin/config')).json['fake-metrics']
    expect(await shown()).toMatchObject({ 'running-requests': 'oscillate:1:5:1s' })
    await update(server, { 'running-requests': 12.5, 'waiting-requests': 4 })
    expect(await shown()).toMatchObject({ 'running-requests': 12.5, 'waiting-requests': 4 })
    expect(await server.load()).toEqual({ running: 12.5, waiting: 4 })
  })
})

describe('real metrics', () => {
  const server = contractServer([])
  test('cannot be made up', async () => {
    const message = 'the simulator is reporting real metrics; fake metrics cannot be updated'
    const reply = await server.post('/admin/config', { 'fake-metrics': { 'running-requests': 7 } })
    expect([reply.status, reply.json]).toEqual([400, envelope(400, 'BadRequestError', message)])
    const old = await server.post('/fake_metrics', { 'running-requests': 7 })
    expect(old.json).toEqual(envelope(400, 'BadRequestError', `Failed to update fake metrics: ${message}`))
    expect((await server.post('/admin/config', { 'fake-metrics': null })).status).toBe(200)
  })
})
