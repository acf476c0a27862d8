import { type ObservedSequence, type Outcome, RequestError } from '@vllm-sim/core-engine'
import { describe, expect, test } from 'vitest'
import { startTestServer } from './testing/test-server.ts'

const label = '{model_name="m"}'

function bucket(name: string, le: string): string {
  return `vllm:${name}_bucket{model_name="m",le="${le}"}`
}

function success(reason: string): string {
  return `vllm:request_success_total{finish_reason="${reason}",model_name="m"}`
}

/** A sequence as an observer sees it, for events that the engine cannot be made to send. */
function observed(change: Partial<ObservedSequence> = {}): ObservedSequence {
  return {
    request: { id: 'r', model: 'm', prompts: [{ tokenIds: [1] }], n: 1, limits: {}, arrival: 0 },
    index: 0,
    promptTokens: 1,
    cachedTokens: 0,
    generatedTokens: 0,
    arrivedAt: 0,
    queuedAt: -1,
    startedAt: -1,
    firstTokenAt: -1,
    lastTokenAt: -1,
    ...change,
  }
}

function outcome(change: Partial<Outcome> = {}): Outcome {
  return {
    finishReason: 'stop',
    stopReason: null,
    promptTokens: 1,
    cachedTokens: 0,
    completionTokens: 0,
    reasoningTokens: 0,
    ...change,
  }
}

describe('gauges', () => {
  test('two slots, three requests: two run, one waits', async () => {
    const { clock, submit, value } = startTestServer({ maxNumSeqs: 2, firstToken: 3000 })
    for (let i = 0; i < 3; i++) submit()
    clock.advance(300)
    expect(await value(`vllm:num_requests_running${label}`)).toBe(2)
    expect(await value(`vllm:num_requests_waiting${label}`)).toBe(1)
    expect(await value('vllm:num_requests_waiting_by_reason{model_name="m",reason="capacity"}')).toBe(1)
    clock.runAll()
    expect(await value(`vllm:num_requests_running${label}`)).toBe(0)
    expect(await value(`vllm:num_requests_waiting${label}`)).toBe(0)
  })

  test('each prompt of one request counts by itself', async () => {
    const { clock, submit, value } = startTestServer({ maxNumSeqs: 2, firstToken: 1500 })
    submit({ prompts: [{ tokenIds: [1] }, { tokenIds: [2] }, { tokenIds: [3] }] })
    clock.advance(300)
    expect(await value(`vllm:num_requests_running${label}`)).toBe(2)
    expect(await value(`vllm:num_requests_waiting${label}`)).toBe(1)
    clock.runAll()
    for (const name of ['e2e_request_latency_seconds', 'request_prompt_tokens', 'request_generation_tokens']) {
      expect(await value(`vllm:${name}_count${label}`)).toBe(3)
    }
    expect(await value(`vllm:max_num_generation_tokens_count${label}`)).toBe(3)
    expect(await value(success('length'))).toBe(3)
  })

  test('aborted while waiting and while running: both return to zero', async () => {
    const { clock, submit, value } = startTestServer({ maxNumSeqs: 1, firstToken: 1000 })
    const running = submit()
    const waiting = submit()
    clock.advance(200)
    waiting.abort()
    running.abort()
    expect(await value(`vllm:num_requests_running${label}`)).toBe(0)
    expect(await value(`vllm:num_requests_waiting${label}`)).toBe(0)
    expect(await value(success('abort'))).toBe(2)
    expect(await value(`vllm:e2e_request_latency_seconds_count${label}`)).toBe(2)
    expect(await value(`vllm:request_inference_time_seconds_count${label}`)).toBe(1)
    expect(await value(`vllm:time_to_first_token_seconds_count${label}`)).toBe(0)
    expect(await value(`vllm:request_queue_time_seconds_count${label}`)).toBe(2)
    expect(await value(`vllm:prompt_tokens_total${label}`)).toBe(0)
  })

  test('preempted: waits again, counts once as preemption and not again in the queue time', async () => {
    const { metrics, value } = startTestServer({ maxLoras: 2 })
    const { observer } = metrics
    const request = { ...observed().request, lora: 'a' }
    const running = observed({ request, startedAt: 0 })
    observer.onStarted!(observed({ request }), 0)
    observer.onPreempted!(running, 10)
    expect(await value(`vllm:num_preemptions_total${label}`)).toBe(1)
    expect(await value(`vllm:num_requests_running${label}`)).toBe(0)
    expect(await value(`vllm:num_requests_waiting${label}`)).toBe(1)
    observer.onStarted!(running, 20)
    expect(await value(`vllm:num_requests_running${label}`)).toBe(1)
    expect(await value(`vllm:num_requests_waiting${label}`)).toBe(0)
    expect(await value(`vllm:request_queue_time_seconds_count${label}`)).toBe(1)
    observer.onPreempted!(running, 30)
    observer.onFinished!(running, outcome({ finishReason: 'abort' }), 40)
    expect(await value(`vllm:num_requests_running${label}`)).toBe(0)
    expect(await value(`vllm:num_requests_waiting${label}`)).toBe(0)
  })

  test('sleep levels', async () => {
    const { metrics, value } = startTestServer()
    const state = async () =>
      Promise.all(
        ['awake', 'weights_offloaded', 'discard_all'].map(name =>
          value(`vllm:engine_sleep_state{model_name="m",sleep_state="${name}"}`),
        ),
      )
    expect(await state()).toEqual([1, 0, 0])
    metrics.observer.onSleep!(true, 1)
    expect(await state()).toEqual([0, 1, 0])
    metrics.observer.onSleep!(true, 2)
    expect(await state()).toEqual([0, 0, 1])
    metrics.observer.onSleep!(false, 0)
    expect(await state()).toEqual([1, 0, 0])
  })

  test('cache usage and prefix counters', async () => {
    const { metrics, value } = startTestServer()
    metrics.observer.onCacheUsage!(0.125)
    metrics.observer.onPrefixLookup!(40, 16)
    metrics.observer.onPrefixLookup!(40, 0)
    expect(await value(`vllm:kv_cache_usage_perc${label}`)).toBe(0.125)
    expect(await value(`vllm:prefix_cache_queries_total${label}`)).toBe(80)
    expect(await value(`vllm:prefix_cache_hits_total${label}`)).toBe(16)
  })
})

describe('times', () => {
  test('TTFT 200 ms and ITL 80 ms fall into their buckets', async () => {
    const { clock, submit, value } = startTestServer({ firstToken: 200, interToken: 80 })
    submit({ limits: { maxTokens: 5, ignoreEos: true } })
    clock.runAll()
    expect(await value(bucket('time_to_first_token_seconds', '0.1'))).toBe(0)
    expect(await value(bucket('time_to_first_token_seconds', '0.25'))).toBe(1)
    for (const name of ['time_per_output_token_seconds', 'inter_token_latency_seconds']) {
      expect(await value(bucket(name, '0.075'))).toBe(0)
      expect(await value(bucket(name, '0.1'))).toBe(4)
      expect(await value(`vllm:${name}_sum${label}`)).toBeCloseTo(0.32, 9)
    }
    expect(await value(bucket('request_time_per_output_token_seconds', '0.075'))).toBe(0)
    expect(await value(bucket('request_time_per_output_token_seconds', '0.1'))).toBe(1)
    expect(await value(`vllm:request_decode_time_seconds_sum${label}`)).toBeCloseTo(0.32, 9)
    expect(await value(`vllm:e2e_request_latency_seconds_sum${label}`)).toBeCloseTo(0.52, 9)
  })

  test('one slot, two requests: TTFT and queue time count from arrival, inference time from the start', async () => {
    const { clock, submit, value } = startTestServer({ maxNumSeqs: 1, firstToken: 1200 })
    submit()
    submit()
    clock.runAll()
    expect(await value(bucket('request_inference_time_seconds', '1.0'))).toBe(0)
    expect(await value(bucket('request_inference_time_seconds', '1.5'))).toBe(2)
    expect(await value(bucket('request_queue_time_seconds', '0.3'))).toBe(1)
    expect(await value(bucket('request_queue_time_seconds', '1.5'))).toBe(2)
    expect(await value(`vllm:request_queue_time_seconds_sum${label}`)).toBeCloseTo(1.2, 9)
    expect(await value(`vllm:time_to_first_token_seconds_sum${label}`)).toBeCloseTo(1.2 + 2.4, 9)
    expect(await value(`vllm:request_prefill_time_seconds_sum${label}`)).toBeCloseTo(2.4, 9)
  })

  test('several tokens of one wake-up: the first observes the gap, the others 0', async () => {
    const { metrics, value } = startTestServer()
    const { observer } = metrics
    observer.onTokens!(observed({ startedAt: 0 }), 3, 100)
    observer.onTokens!(observed({ startedAt: 0, generatedTokens: 3, firstTokenAt: 100, lastTokenAt: 100 }), 4, 160)
    expect(await value(`vllm:inter_token_latency_seconds_count${label}`)).toBe(6)
    expect(await value(`vllm:inter_token_latency_seconds_sum${label}`)).toBeCloseTo(0.06, 9)
    expect(await value(bucket('inter_token_latency_seconds', '0.01'))).toBe(5)
    expect(await value(`vllm:time_to_first_token_seconds_count${label}`)).toBe(1)
    expect(await value(`vllm:generation_tokens_total${label}`)).toBe(7)
  })

  test('held-back first tokens: TTFT is when the answer began', async () => {
    const { metrics, value } = startTestServer()
    metrics.observer.onTokens!(observed({ startedAt: 0, firstTokenAt: 50 }), 3, 90)
    expect(await value(`vllm:time_to_first_token_seconds_sum${label}`)).toBe(0.05)
    expect(await value(`vllm:inter_token_latency_seconds_count${label}`)).toBe(2)
    expect(await value(`vllm:inter_token_latency_seconds_sum${label}`)).toBe(0.04)
  })

  test('an empty answer has a TTFT and no inter-token time', async () => {
    const { clock, submit, value } = startTestServer({ firstToken: 30 })
    submit({ output: { plan: () => ({ parts: [], finishReason: 'stop' }) } })
    clock.runAll()
    expect(await value(success('stop'))).toBe(1)
    expect(await value(`vllm:time_to_first_token_seconds_sum${label}`)).toBe(0.03)
    expect(await value(`vllm:request_decode_time_seconds_sum${label}`)).toBe(0)
    expect(await value(`vllm:inter_token_latency_seconds_count${label}`)).toBe(0)
    expect(await value(`vllm:prompt_tokens_total${label}`)).toBe(1)
  })
})

test('images of a prompt are looked up once, however many answers it has; one that was there before is a hit', async () => {
  const { clock, submit, value } = startTestServer({ maxNumSeqs: 2 })
  const prompt = (...image: string[]) => ({
    prompts: [{ tokenIds: [1], features: { mmHashes: { image }, mmPlaceholders: { image: [] } } }],
  })
  submit({ ...prompt('a', 'b'), n: 3 })
  submit(prompt('b', 'c'))
  submit(prompt('h'.repeat(1000)))
  submit(prompt('h'.repeat(1000)))
  clock.runAll()
  expect(await value('vllm:mm_cache_queries_total{model_name="m"}')).toBe(6)
  expect(await value('vllm:mm_cache_hits_total{model_name="m"}')).toBe(1)
})

describe('tokens', () => {
  test('prompt of 25 and max_tokens of 25', async () => {
    const { clock, submit, value } = startTestServer()
    submit({ promptTokens: 25, limits: { maxTokens: 25, ignoreEos: true } })
    clock.runAll()
    for (const name of ['request_prompt_tokens', 'request_params_max_tokens']) {
      expect(await value(bucket(name, '20.0'))).toBe(0)
      expect(await value(bucket(name, '50.0'))).toBe(1)
    }
    expect(await value(`vllm:prompt_tokens_total${label}`)).toBe(25)
    expect(await value(`vllm:generation_tokens_total${label}`)).toBe(25)
  })

  test('max_tokens is observed only when the request sets it', async () => {
    const { metrics, value } = startTestServer()
    metrics.observer.onFinished!(observed({ startedAt: 0 }), outcome(), 10)
    expect(await value(`vllm:request_params_max_tokens_count${label}`)).toBe(0)
    expect(await value(`vllm:request_prompt_tokens_count${label}`)).toBe(1)
  })

  test('n choices: n successes, one observation of n and of the longest', async () => {
    const { clock, submit, value } = startTestServer()
    submit({ n: 3, limits: { maxTokens: 7, ignoreEos: true } })
    clock.runAll()
    expect(await value(success('length'))).toBe(3)
    expect(await value(`vllm:max_num_generation_tokens_count${label}`)).toBe(3)
    expect(await value(`vllm:request_max_num_generation_tokens_count${label}`)).toBe(1)
    expect(await value(`vllm:request_max_num_generation_tokens_sum${label}`)).toBe(7)
    expect(await value(`vllm:request_params_n_count${label}`)).toBe(1)
    expect(await value(`vllm:request_params_n_sum${label}`)).toBe(3)
  })

  test('sources of prompt tokens add up to all of them', async () => {
    const { metrics, value } = startTestServer()
    const local = observed({ startedAt: 0, promptTokens: 40, cachedTokens: 16 })
    const request = { ...local.request, kvTransfer: { doRemotePrefill: true } }
    metrics.observer.onTokens!(local, 1, 10)
    metrics.observer.onTokens!({ ...local, request }, 1, 10)
    const source = (name: string) => value(`vllm:prompt_tokens_by_source_total{model_name="m",source="${name}"}`)
    expect(await source('local_compute')).toBe(24)
    expect(await source('local_cache_hit')).toBe(32)
    expect(await source('external_kv_transfer')).toBe(24)
    expect(await value(`vllm:prompt_tokens_cached_total${label}`)).toBe(16 + 40)
    expect(await value(`vllm:external_prefix_cache_queries_total${label}`)).toBe(24)
    expect(await value(`vllm:external_prefix_cache_hits_total${label}`)).toBe(24)
  })

  test('tokens of one wake-up are one step', async () => {
    const { metrics, value } = startTestServer()
    const { observer } = metrics
    observer.onTokens!(observed({ startedAt: 0, promptTokens: 30 }), 1, 10)
    const later = { startedAt: 0, generatedTokens: 1, firstTokenAt: 10, lastTokenAt: 10 }
    observer.onTokens!(observed(later), 1, 20)
    observer.onTokens!(observed(later), 1, 20)
    expect(await value(`vllm:iteration_tokens_total_count${label}`)).toBe(2)
    expect(await value(`vllm:iteration_tokens_total_sum${label}`)).toBe(33)
  })

  test('tokens that are counted but not sent count in the total too', async () => {
    const { metrics, value } = startTestServer()
    const sequence = observed({ startedAt: 0, generatedTokens: 5, firstTokenAt: 1, lastTokenAt: 5 })
    metrics.observer.onFinished!(sequence, outcome({ finishReason: 'tool_calls', completionTokens: 9 }), 5)
    expect(await value(`vllm:generation_tokens_total${label}`)).toBe(4)
    expect(await value(`vllm:request_generation_tokens_sum${label}`)).toBe(9)
  })
})

describe('outcomes', () => {
  test('a prefill leg counts once', async () => {
    const { clock, submit, value } = startTestServer({ firstToken: 10 })
    submit({ limits: { maxTokens: 1 }, kvTransfer: { doRemoteDecode: true } })
    clock.runAll()
    expect(await value(success('remote_decode'))).toBe(1)
    expect(await value(success('length'))).toBe(0)
  })

  test('below the cache threshold: counted, without TTFT, prefill, decode and time per token', async () => {
    const { clock, submit, value } = startTestServer({ firstToken: 10 })
    submit({ promptTokens: 9, forceCacheThreshold: true })
    clock.runAll()
    expect(await value(success('cache_threshold'))).toBe(1)
    expect(await value(`vllm:prompt_tokens_total${label}`)).toBe(9)
    expect(await value(`vllm:request_generation_tokens_count${label}`)).toBe(1)
    expect(await value(`vllm:request_inference_time_seconds_count${label}`)).toBe(1)
    for (const name of ['time_to_first_token', 'request_prefill_time', 'request_decode_time']) {
      expect(await value(`vllm:${name}_seconds_count${label}`)).toBe(0)
    }
    expect(await value(`vllm:request_time_per_output_token_seconds_count${label}`)).toBe(0)
  })

  test('refused for its length: only queue time and LoRA info move', async () => {
    const { clock, submit, metrics, value } = startTestServer({ maxModelLen: 2 })
    const before = await metrics.render()
    submit({ promptTokens: 5, lora: 'lora1', model: 'lora1' })
    clock.runAll()
    const after = await metrics.render()
    const moved = after
      .split('\n')
      .filter(line => !before.includes(`${line}\n`))
      .map(line => line.slice(0, line.lastIndexOf(' ')))
    expect(new Set(moved.map(line => line.split('{')[0]))).toEqual(
      new Set([
        'vllm:lora_requests_info',
        'vllm:request_queue_time_seconds_bucket',
        'vllm:request_queue_time_seconds_count',
      ]),
    )
    const info = (running: string) =>
      value(`vllm:lora_requests_info{max_lora="1",running_lora_adapters="${running}",waiting_lora_adapters=""}`)
    expect(await info('lora1')).toBeLessThan((await info(''))!)
  })

  test("the engine's own failure counts as error, the client's does not", async () => {
    const { metrics, value } = startTestServer()
    for (const status of [400, 500]) {
      const sequence = observed({ startedAt: 0 })
      metrics.observer.onStarted!(sequence, 0)
      metrics.observer.onFinished!(
        sequence,
        outcome({ finishReason: 'error', error: new RequestError(status, 'no') }),
        1,
      )
    }
    expect(await value(success('error'))).toBe(1)
    expect(await value(`vllm:e2e_request_latency_seconds_count${label}`)).toBe(0)
    expect(await value(`vllm:request_params_n_count${label}`)).toBe(0)
  })
})
