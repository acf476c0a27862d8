import { describe, expect, test } from 'vitest'
import { startTestServer, type TestServer } from '../testing/test-server.ts'
import { type FakeMetricsConfig, mergeFakeMetrics } from './config.ts'

const label = '{model_name="m"}'
const running = `vllm:num_requests_running${label}`
const waiting = `vllm:num_requests_waiting${label}`
const usage = `vllm:kv_cache_usage_perc${label}`

function start(fake: FakeMetricsConfig): TestServer {
  return startTestServer({ fake })
}

async function families({ metrics }: TestServer): Promise<string[]> {
  return [...(await metrics.render()).matchAll(/^# TYPE (\S+)/gm)].map(match => match[1]!)
}

async function cumulative({ metrics }: TestServer, name: string): Promise<number[]> {
  const lines = (await metrics.render()).matchAll(new RegExp(`^${name}_bucket\\S* (.*)$`, 'gm'))
  return [...lines].map(match => Number(match[1]))
}

describe('what is there', () => {
  test('without any value only cache config and LoRA info', async () => {
    const server = start({})
    expect(await families(server)).toEqual(['vllm:cache_config_info', 'vllm:lora_requests_info'])
    expect(await server.metrics.render()).not.toContain('http_')
  })

  test('what is configured and nothing else', async () => {
    const server = start({ runningRequests: 3, histograms: { 'tpot-buckets-values': [1], 'ttft-buckets-values': [] } })
    expect(await families(server)).toEqual([
      'vllm:cache_config_info',
      'vllm:inter_token_latency_seconds',
      'vllm:lora_requests_info',
      'vllm:num_requests_running',
      'vllm:time_per_output_token_seconds',
    ])
  })

  test('a histogram of zeros only has no series', async () => {
    const server = start({ histograms: { 'e2erl-buckets-values': [0, 0, 0] } })
    expect(await families(server)).not.toContain('vllm:e2e_request_latency_seconds')
  })

  test('real requests move nothing', async () => {
    const server = start({ runningRequests: 7, prefixCacheHits: 100, prefixCacheQueries: 200, totalPromptTokens: 5 })
    const before = await server.metrics.render()
    server.submit({ promptTokens: 50, lora: 'a', model: 'a' })
    server.clock.runAll()
    server.metrics.http.record('/v1/chat/completions', 'POST', 200, 0.1, 10, 100)
    expect(await server.metrics.render()).toBe(before)
  })
})

describe('values', () => {
  test('numbers are shown as given, fractions included', async () => {
    const server = start({ runningRequests: 2.5, waitingRequests: 0, kvCacheUsage: 0.4 })
    expect(await server.value(running)).toBe(2.5)
    expect(await server.value(waiting)).toBe(0)
    expect(await server.value(usage)).toBe(0.4)
  })

  test('adapters, with the spelling and value of the example', async () => {
    const { metrics } = start({ loras: [{ running: 'lora4,lora2', waiting: 'lora3', timestamp: 1257894567 }] })
    expect(await metrics.render()).toContain(
      'vllm:lora_requests_info{max_lora="1",running_lora_adapters="lora4,lora2",waiting_lora_adapters="lora3"} 1.257894567e+09\n',
    )
    expect(await metrics.render()).not.toContain('running_lora_adapters=""')
  })

  test('adapters replaced, then emptied', async () => {
    const { metrics } = start({ loras: [{ running: 'old', waiting: '', timestamp: 5 }] })
    metrics.updateFake({ loras: [{ running: 'new', waiting: '', timestamp: 6 }] })
    expect(await metrics.render()).not.toContain('old')
    metrics.updateFake({ loras: [] })
    const lines = (await metrics.render()).match(/^vllm:lora_requests_info.*/gm)
    expect(lines).toHaveLength(1)
    expect(lines![0]).toContain('running_lora_adapters="",waiting_lora_adapters=""')
  })

  test('success counts: the reasons that are missing are 0', async () => {
    const { metrics } = start({ requestSuccessTotal: { stop: 20 } })
    const lines = (await metrics.render()).match(/^vllm:request_success_total.*/gm)
    expect(lines).toEqual([
      'vllm:request_success_total{finish_reason="cache_threshold",model_name="m"} 0',
      'vllm:request_success_total{finish_reason="length",model_name="m"} 0',
      'vllm:request_success_total{finish_reason="remote_decode",model_name="m"} 0',
      'vllm:request_success_total{finish_reason="stop",model_name="m"} 20',
      'vllm:request_success_total{finish_reason="tool_calls",model_name="m"} 0',
    ])
  })
})

describe('histograms', () => {
  test('counts lie at the upper bounds; the token counter is their sum', async () => {
    const server = start({ histograms: { 'request-prompt-tokens': [10, 20, 30] } })
    const buckets = await cumulative(server, 'vllm:request_prompt_tokens')
    expect(buckets).toEqual([10, 30, ...new Array(9).fill(60)])
    expect(await server.value(`vllm:request_prompt_tokens_sum${label}`)).toBe(200)
    expect(await server.value(`vllm:request_prompt_tokens_count${label}`)).toBe(60)
    expect(await server.value(`vllm:prompt_tokens_total${label}`)).toBe(200)
  })

  test('the entry after the last bound is +Inf, one above that bound', async () => {
    const server = startTestServer({
      maxModelLen: 5,
      fake: { histograms: { 'request-generation-tokens': [1, 1, 1, 1] } },
    })
    expect(await cumulative(server, 'vllm:request_generation_tokens')).toEqual([1, 2, 3, 4])
    expect(await server.value(`vllm:generation_tokens_total${label}`)).toBe(1 + 2 + 5 + 6)
  })

  test('millions of observations cost no more than one', async () => {
    const server = start({ histograms: { 'ttft-buckets-values': [1e15, 1e15] } })
    expect(await server.value(`vllm:time_to_first_token_seconds_count${label}`)).toBe(2e15)
  })

  test('the longest answers feed both names', async () => {
    const server = start({ histograms: { 'request-max-generation-tokens': [0, 3] } })
    for (const name of ['max_num_generation_tokens', 'request_max_num_generation_tokens']) {
      expect(await server.value(`vllm:${name}_sum${label}`)).toBe(6)
    }
  })

  test('emptied: both inter-token families vanish', async () => {
    const server = start({ histograms: { 'tpot-buckets-values': [1, 2] } })
    expect(await families(server)).toContain('vllm:inter_token_latency_seconds')
    server.metrics.updateFake({ histograms: { 'tpot-buckets-values': [] } })
    const text = await server.metrics.render()
    expect(text).not.toContain('inter_token_latency')
    expect(text).not.toContain('time_per_output_token')
  })

  test('counter: explicit total, then from the new histogram, then explicit again', async () => {
    const server = start({ histograms: { 'request-prompt-tokens': [1, 2, 3] }, totalPromptTokens: 12345 })
    const counter = () => server.value(`vllm:prompt_tokens_total${label}`)
    expect(await counter()).toBe(12345)
    server.metrics.updateFake({ histograms: { 'request-prompt-tokens': [10, 20] } })
    expect(await counter()).toBe(50)
    server.metrics.updateFake({ totalPromptTokens: 58 })
    expect(await counter()).toBe(58)
    expect(await server.value(`vllm:request_prompt_tokens_sum${label}`)).toBe(50)
    server.metrics.updateFake({ histograms: { 'request-prompt-tokens': [1] }, totalPromptTokens: 9 })
    expect(await counter()).toBe(9)
    server.metrics.updateFake({ histograms: { 'request-prompt-tokens': [] } })
    expect(await families(server)).not.toContain('vllm:prompt_tokens_total')
    expect(await families(server)).not.toContain('vllm:request_prompt_tokens')
  })
})

describe('generators', () => {
  const moving: FakeMetricsConfig = {
    runningRequests: { fn: 'oscillate', start: 1, end: 5, periodMs: 1000 },
    waitingRequests: { fn: 'squarewave', start: 10, end: 15, periodMs: 400 },
    kvCacheUsage: { fn: 'ramp', start: 0, end: 1, periodMs: 700 },
  }

  test('polled every 200 ms', async () => {
    const server = start(moving)
    server.metrics.start()
    const seen: (number | undefined)[][] = []
    for (let poll = 0; poll < 6; poll++) {
      server.clock.advance(200)
      seen.push([await server.value(running), await server.value(waiting), await server.value(usage)])
    }
    expect(seen.map(([value]) => value)).toEqual([4, 4, 1, 1, 3, 4])
    expect(seen.map(([, value]) => value)).toEqual([15, 10, 15, 10, 15, 10])
    const ramp = seen.map(([, , value]) => value!)
    expect(ramp[0]).toBeCloseTo(200 / 700, 9)
    expect(ramp.slice(3)).toEqual([1, 1, 1])
  })

  test('rampreset falls and jumps up at the third poll', async () => {
    const server = start({ kvCacheUsage: { fn: 'rampreset', start: 1, end: 0, periodMs: 550 } })
    server.metrics.start()
    const seen: number[] = []
    for (let poll = 0; poll < 4; poll++) {
      server.clock.advance(200)
      seen.push((await server.value(usage))!)
    }
    expect(seen[1]).toBeLessThan(seen[0]!)
    expect(seen[2]).toBeGreaterThan(seen[1]!)
    expect(seen[3]).toBeLessThan(seen[2]!)
  })

  test('stand at their first value, cut to an integer, until the port is open', async () => {
    const server = start({ runningRequests: { fn: 'oscillate', start: 1, end: 4, periodMs: 1000 } })
    server.clock.advance(250)
    expect(await server.value(running)).toBe(2)
    server.metrics.start()
    expect(await server.value(running)).toBe(2)
    server.clock.advance(250)
    expect(await server.value(running)).toBe(3)
  })

  test('change only once per refresh interval', async () => {
    const server = start({ kvCacheUsage: { fn: 'ramp', start: 0, end: 1, periodMs: 1000 }, refreshIntervalMs: 300 })
    server.metrics.start()
    server.clock.advance(299)
    expect(await server.value(usage)).toBe(0)
    server.clock.advance(2)
    expect(await server.value(usage)).toBe(0.3)
    server.clock.advance(200)
    expect(await server.value(usage)).toBe(0.3)
  })

  test('each has its own clock, an update restarts only the one it names', async () => {
    const server = start({ kvCacheUsage: { fn: 'ramp', start: 0, end: 1, periodMs: 1000 } })
    server.metrics.start()
    server.clock.advance(500)
    server.metrics.updateFake({ runningRequests: { fn: 'ramp', start: 0, end: 10, periodMs: 1000 } })
    expect(await server.value(running)).toBe(0)
    expect(await server.value(usage)).toBe(0.5)
    server.clock.advance(300)
    expect(await server.value(running)).toBe(3)
    expect(await server.value(usage)).toBe(0.8)
  })

  test('a number stops one', async () => {
    const server = start(moving)
    server.metrics.start()
    server.metrics.updateFake({ waitingRequests: 3 })
    server.clock.advance(1000)
    expect(await server.value(waiting)).toBe(3)
  })

  test("prom-client's own way of reading sees them move too", async () => {
    const server = start(moving)
    server.metrics.start()
    server.clock.advance(700)
    expect(await server.metrics.registry.getSingleMetricAsString('vllm:kv_cache_usage_perc')).toMatch(/ 1$/)
  })
})

describe('updates', () => {
  test('what is not named stays', () => {
    const current: FakeMetricsConfig = {
      runningRequests: 1,
      kvCacheUsage: 0.5,
      histograms: { 'ttft-buckets-values': [1], 'tpot-buckets-values': [2] },
    }
    expect(
      mergeFakeMetrics(current, { runningRequests: undefined, histograms: { 'ttft-buckets-values': [3] } }),
    ).toEqual({
      runningRequests: 1,
      kvCacheUsage: 0.5,
      histograms: { 'ttft-buckets-values': [3], 'tpot-buckets-values': [2] },
    })
  })

  test('success counts are merged, an empty object removes them', async () => {
    const server = start({ requestSuccessTotal: { stop: 20 } })
    const success = (reason: string) =>
      server.value(`vllm:request_success_total{finish_reason="${reason}",model_name="m"}`)
    server.metrics.updateFake({ requestSuccessTotal: { length: 3 } })
    expect(await success('stop')).toBe(20)
    expect(await success('length')).toBe(3)
    server.metrics.updateFake({ requestSuccessTotal: {} })
    expect(await families(server)).not.toContain('vllm:request_success_total')
    server.metrics.updateFake({ requestSuccessTotal: { stop: 1 } })
    expect(await success('stop')).toBe(1)
    expect(await success('length')).toBe(0)
  })

  test('a total is forgotten when its histogram is given without it', () => {
    const merged = mergeFakeMetrics({ totalPromptTokens: 5 }, { histograms: { 'request-prompt-tokens': [1] } })
    expect(merged).toEqual({ histograms: { 'request-prompt-tokens': [1] } })
  })

  test('an element of loras is replaced whole', () => {
    const merged = mergeFakeMetrics(
      { loras: [{ running: 'a', waiting: '', timestamp: 5 }] },
      { loras: [{ running: 'b', waiting: '' }] },
    )
    expect(merged.loras).toEqual([{ running: 'b', waiting: '' }])
  })

  test('are refused while real values are shown', () => {
    expect(() => startTestServer().metrics.updateFake({ runningRequests: 1 })).toThrow(
      'the simulator is reporting real metrics; fake metrics cannot be updated',
    )
  })
})
