import { describe, expect, test } from 'vitest'
import { contractServer, eventually, latestLoras, loadBecomes, messages, prompt } from './contract-server.ts'

// What a scraper sees of real requests.

const m = '{model_name="m"}'
const timeBounds = [
  '0.001',
  '0.005',
  '0.01',
  '0.02',
  '0.04',
  '0.06',
  '0.08',
  '0.1',
  '0.25',
  '0.5',
  '0.75',
  '1.0',
  '2.5',
].concat(['5.0', '7.5', '10.0', '20.0', '40.0', '80.0', '160.0', '640.0', '2560.0', '+Inf'])
const tokenTimeBounds = [
  '0.01',
  '0.025',
  '0.05',
  '0.075',
  '0.1',
  '0.15',
  '0.2',
  '0.3',
  '0.4',
  '0.5',
  '0.75',
  '1.0',
].concat(['2.5', '5.0', '7.5', '10.0', '20.0', '40.0', '80.0', '+Inf'])
const requestBounds = [
  '0.3',
  '0.5',
  '0.8',
  '1.0',
  '1.5',
  '2.0',
  '2.5',
  '5.0',
  '10.0',
  '15.0',
  '20.0',
  '30.0',
  '40.0',
  '50.0',
  '60.0',
].concat(['120.0', '240.0', '480.0', '960.0', '1920.0', '7680.0', '+Inf'])
const tokenBounds = ['1.0', '2.0', '5.0', '10.0', '20.0', '50.0', '100.0', '200.0', '500.0', '1000.0', '+Inf']

/** Cumulated counts of a histogram by upper bound. */
function buckets(text: string, name: string): Map<string, number> {
  const found = text.matchAll(new RegExp(`^vllm:${name}_bucket\\{model_name="m",le="([^"]+)"\\} (\\S+)$`, 'gm'))
  return new Map([...found].map(([, bound, count]) => [bound!, Number(count)]))
}

describe('families', () => {
  const server = contractServer(['--mode', 'echo', '--time-to-first-token', '200ms', '--inter-token-latency', '80ms'], {
    standing: true,
  })
  const complete = (more: object, headers?: Record<string, string>): Promise<unknown> =>
    server.clock.until(server.post('/v1/completions', { model: 'm', prompt, ...more }, headers))

  test('exist with names, texts and bounds before anything was asked', async () => {
    const text = await server.metrics()
    for (const [name, type, help] of families) {
      expect(text).toContain(`# HELP vllm:${name} ${help}\n# TYPE vllm:${name} ${type}\n`)
    }
    for (const name of ['num_requests_running', 'num_requests_waiting', 'kv_cache_usage_perc', 'prompt_tokens_total']) {
      expect(text).toContain(`\nvllm:${name}${m} 0\n`)
    }
    for (const reason of ['stop', 'length', 'tool_calls', 'remote_decode', 'cache_threshold']) {
      expect(text).toContain(`\nvllm:request_success_total{finish_reason="${reason}",model_name="m"} 0\n`)
    }
    expect(text).toContain('\nvllm:cache_config_info{block_size="16",num_gpu_blocks="1024"} 1\n')
    const lora = /\nvllm:lora_requests_info\{max_lora="1",running_lora_adapters="",waiting_lora_adapters=""\} (\S+)\n/
    expect(Number(lora.exec(text)?.[1])).toBe(server.clock.wall() / 1000)
    expect([...buckets(text, 'time_to_first_token_seconds').keys()]).toEqual(timeBounds)
    for (const name of ['time_per_output_token', 'inter_token_latency', 'request_time_per_output_token']) {
      expect([...buckets(text, `${name}_seconds`).keys()]).toEqual(tokenTimeBounds)
    }
    for (const name of [
      'e2e_request_latency',
      'request_queue_time',
      'request_inference_time',
      'request_prefill_time',
    ]) {
      expect([...buckets(text, `${name}_seconds`).keys()]).toEqual(requestBounds)
    }
    for (const name of ['request_prompt_tokens', 'request_generation_tokens', 'request_params_max_tokens']) {
      expect([...buckets(text, name).keys()]).toEqual(tokenBounds)
    }
    const { headers } = await server.get('/metrics')
    expect(headers.get('content-type')).toMatch(/^text\/plain; version=0\.0\.4/)
    const names = [...text.matchAll(/^# TYPE (\S+)/gm)].map(match => match[1]!)
    expect(names).toEqual([...names].sort())
  })

  test('one answer of five tokens', async () => {
    await complete({ max_tokens: 5 })
    const text = await server.metrics()
    const first = buckets(text, 'time_to_first_token_seconds')
    for (const [bound, count] of first) {
      if (Number(bound) <= 0.1) expect([bound, count]).toEqual([bound, 0])
    }
    expect(first.get('+Inf')).toBe(1)
    for (const [name, count] of [
      ['time_per_output_token_seconds', 4],
      ['inter_token_latency_seconds', 4],
      ['request_time_per_output_token_seconds', 1],
    ] as const) {
      const all = buckets(text, name)
      expect([all.get('0.05'), all.get('+Inf')]).toEqual([0, count])
    }
    for (const [name, value] of [
      ['prompt_tokens_total', 5],
      ['generation_tokens_total', 5],
      ['request_prompt_tokens_sum', 5],
      ['request_generation_tokens_sum', 5],
      ['max_num_generation_tokens_sum', 5],
      ['request_params_max_tokens_sum', 5],
      ['e2e_request_latency_seconds_count', 1],
      ['request_inference_time_seconds_count', 1],
      ['request_prefill_time_seconds_count', 1],
      ['request_decode_time_seconds_count', 1],
      ['request_queue_time_seconds_count', 1],
    ] as const) {
      expect(text).toContain(`\nvllm:${name}${m} ${value}\n`)
    }
    expect(text).toContain('\nvllm:request_success_total{finish_reason="length",model_name="m"} 1\n')
    const sum = await server.metric(`vllm:e2e_request_latency_seconds_sum${m}`)
    expect(sum).toBeCloseTo(0.52, 9)
  })

  test('what is refused before it runs moves nothing', async () => {
    const relevant = async (): Promise<string> =>
      (await server.metrics())
        .split('\n')
        .filter(line => line.startsWith('vllm:') && !line.includes('lora'))
        .join('\n')
    const before = await relevant()
    await server.post('/v1/completions', { model: 'nope', prompt })
    await server.post('/v1/completions', { model: 'm', prompt, n: 0 })
    await server.post('/v1/completions', '{')
    await server.post('/v1/completions', { model: 'm', prompt }, { 'X-Return-Error': '503' })
    await server.post('/tokenize', { prompt })
    await server.post('/v1/embeddings', { input: 'a' })
    expect(await relevant()).toBe(before)
  })

  test('reasons, limits and a prefill leg', async () => {
    const forced = { 'X-Cache-Threshold-Finish-Reason': 'true' }
    await complete({}, forced)
    await complete({ kv_transfer_params: { do_remote_decode: true } })
    const count = (reason: string): Promise<number | undefined> =>
      server.metric(`vllm:request_success_total{finish_reason="${reason}",model_name="m"}`)
    expect(await count('cache_threshold')).toBe(1)
    expect(await count('remote_decode')).toBe(1)
    // Two of three had no limit; one of three had no tokens.
    expect(await server.metric(`vllm:request_params_max_tokens_count${m}`)).toBe(1)
    expect(await server.metric(`vllm:generation_tokens_total${m}`)).toBe(10)
    expect(await server.metric(`vllm:prompt_tokens_total${m}`)).toBe(15)
  })
})

describe('waiting', () => {
  const server = contractServer(
    ['--mode', 'echo', '--max-num-seqs', '2', '--time-to-first-token', '1s', '--inter-token-latency', '20ms'],
    { standing: true },
  )

  test('counts in the gauges, in queue time and in the time to the first token', async () => {
    const ask = (): Promise<unknown> => server.post('/v1/completions', { model: 'm', prompt })
    const answers = [ask(), ask(), ask()]
    await loadBecomes(server, 2, 1)
    await server.clock.until(Promise.all(answers))
    expect(await server.load()).toEqual({ running: 0, waiting: 0 })
    const text = await server.metrics()
    const queue = buckets(text, 'request_queue_time_seconds')
    expect([queue.get('0.3'), queue.get('+Inf')]).toEqual([2, 3])
    const first = buckets(text, 'time_to_first_token_seconds')
    expect(first.get('+Inf')! - first.get('1.0')!).toBe(1)
    // Two take 1 s and 4 times 20 ms, the third has waited for them.
    expect(await server.metric(`vllm:time_to_first_token_seconds_sum${m}`)).toBeCloseTo(4.08, 9)
    expect(await server.metric(`vllm:e2e_request_latency_seconds_sum${m}`)).toBeCloseTo(4.32, 9)
    expect(await server.metric(`vllm:request_inference_time_seconds_sum${m}`)).toBeCloseTo(3.24, 9)
  })

  test('a client that leaves frees its place', async () => {
    const leave = new AbortController()
    const body = JSON.stringify({ model: 'm', prompt: 'x '.repeat(500), stream: true })
    const { signal } = leave
    const answer = fetch(`${server.url}/v1/completions`, { method: 'POST', body, signal })
    const response = await server.clock.until(answer)
    await loadBecomes(server, 1)
    leave.abort()
    await expect(response.text()).rejects.toThrow()
    await eventually(async () => {
      server.clock.step()
      expect(await server.load()).toEqual({ running: 0, waiting: 0 })
    })
    await eventually(async () =>
      expect(await server.metric('vllm:request_success_total{finish_reason="abort",model_name="m"}')).toBe(1),
    )
  })
})

describe('adapters', () => {
  const loras = ['--lora-modules', '{"name":"lora1"}', '{"name":"lora2"}']
  const server = contractServer([...loras, '--mode', 'echo', '--time-to-first-token', '800ms'], { standing: true })
  const short = contractServer([...loras, '--max-model-len', '2'])
  const series = (text: string): string[] =>
    [...text.matchAll(/^vllm:lora_requests_info\{(.*)\} (\S+)$/gm)]
      .sort((one, other) => Number(one[2]) - Number(other[2]))
      .map(match => match[1]!.replaceAll(/\w+="([^"]*)"/g, '$1').replace(/^\d+,/, ''))

  test('every combination stays, the newest has the largest value', async () => {
    const ask = (model: string): Promise<unknown> => server.post('/v1/completions', { model, prompt })
    const first = ask('lora1')
    await loadBecomes(server, 1)
    const second = ask('lora2')
    await loadBecomes(server, 1, 1)
    expect(latestLoras(await server.metrics())).toEqual({ running: ['lora1'], waiting: ['lora2'] })
    const third = ask('lora1')
    await loadBecomes(server, 2, 1)
    await server.clock.until(Promise.all([first, second, third]))
    const text = await server.metrics()
    const order = series(text)
    expect(order.at(-1)).toBe(',')
    for (const one of ['lora1,', 'lora1,lora2', ',lora2', 'lora2,', ',']) expect(order).toContain(one)
    // Each combination was last current in this order.
    const last = ['lora1,lora2', ',lora2', 'lora2,', ','].map(one => order.indexOf(one))
    expect(last).toEqual([...last].sort((a, b) => a - b))
    expect(text).toContain('max_lora="1"')
  })

  test('a request that fails while it runs leaves no trace but its series', async () => {
    const { status } = await short.post('/v1/chat/completions', { model: 'lora1', messages })
    expect(status).toBe(400)
    expect(await short.load()).toEqual({ running: 0, waiting: 0 })
    const order = series(await short.metrics())
    expect(order).toEqual(expect.arrayContaining(['lora1,', ',']))
    expect(order.at(-1)).toBe(',')
  })

  test('an adapter that is unloaded while it runs is not running for ever', async () => {
    const answer = server.post('/v1/completions', { model: 'lora1', prompt })
    await loadBecomes(server, 1)
    await server.post('/v1/unload_lora_adapter', { lora_name: 'lora1' })
    expect((await server.clock.until(answer)).status).toBe(200)
    expect(latestLoras(await server.metrics())).toEqual({ running: [], waiting: [] })
    const other = server.post('/v1/completions', { model: 'lora2', prompt })
    expect((await server.clock.until(other)).status).toBe(200)
  })
})

test('what is not called by its reference name is not lost', () => {
  expect(new Set(families.map(([name]) => name)).size).toBe(23)
})

const families = [
  ['num_requests_running', 'gauge', 'Number of requests currently running on GPU.'],
  ['num_requests_waiting', 'gauge', 'Prometheus metric for the number of queued requests.'],
  [
    'kv_cache_usage_perc',
    'gauge',
    'Prometheus metric for the fraction of KV-cache blocks currently in use (from 0 to 1).',
  ],
  ['lora_requests_info', 'gauge', 'Running stats on lora requests.'],
  ['cache_config_info', 'gauge', 'Information of the LLMEngine CacheConfig.'],
  ['prompt_tokens_total', 'counter', 'Total number of prompt tokens processed.'],
  ['generation_tokens_total', 'counter', 'Total number of generated tokens.'],
  ['request_success_total', 'counter', 'Count of successfully processed requests.'],
  ['prefix_cache_hits_total', 'counter', 'Prefix cache hits, in terms of number of cached tokens.'],
  ['prefix_cache_queries_total', 'counter', 'Prefix cache queries, in terms of number of queried tokens.'],
  ['time_to_first_token_seconds', 'histogram', 'Histogram of time to first token in seconds.'],
  ['time_per_output_token_seconds', 'histogram', 'Histogram of time per output token in seconds.'],
  ['inter_token_latency_seconds', 'histogram', 'Histogram of inter-token latency in seconds.'],
  ['request_time_per_output_token_seconds', 'histogram', 'Histogram of time_per_output_token_seconds per request.'],
  ['e2e_request_latency_seconds', 'histogram', 'Histogram of end to end request latency in seconds.'],
  ['request_queue_time_seconds', 'histogram', 'Histogram of time spent in WAITING phase for request.'],
  ['request_inference_time_seconds', 'histogram', 'Histogram of time spent in RUNNING phase for request.'],
  ['request_prefill_time_seconds', 'histogram', 'Histogram of time spent in PREFILL phase for request.'],
  ['request_decode_time_seconds', 'histogram', 'Histogram of time spent in DECODE phase for request.'],
  ['request_prompt_tokens', 'histogram', 'Number of prefill tokens processed.'],
  ['request_generation_tokens', 'histogram', 'Number of generation tokens processed.'],
  ['max_num_generation_tokens', 'histogram', 'Histogram of maximum number of requested generation tokens.'],
  ['request_params_max_tokens', 'histogram', 'Histogram of the max_tokens request parameter.'],
] as const
