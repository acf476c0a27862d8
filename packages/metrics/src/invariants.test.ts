import type { RequestHandle } from '@vllm-sim/core-engine'
import fc from 'fast-check'
import { expect, test } from 'vitest'
import { startTestServer } from './testing/test-server.ts'

/** A request, and what happens until the next one. */
const step = fc.record({
  prompts: fc.array(fc.integer({ min: 0, max: 40 }), { minLength: 1, maxLength: 3 }),
  n: fc.integer({ min: 1, max: 3 }),
  maxTokens: fc.integer({ min: 1, max: 70 }),
  lora: fc.option(fc.constantFrom('a', 'b', 'c'), { nil: undefined }),
  stop: fc.boolean(),
  remotePrefill: fc.boolean(),
  threshold: fc.boolean(),
  advance: fc.double({ min: 0, max: 300, noNaN: true }),
  /** Which of the requests so far is aborted then. */
  abort: fc.option(fc.nat(20), { nil: undefined }),
})

/** Sums over all series of each sample name. */
function totals(text: string): (name: string) => number {
  const sums = new Map<string, number>()
  for (const line of text.split('\n')) {
    if (line === '' || line.startsWith('#')) continue
    const name = line.split('{')[0]!.replace(/^vllm:/, '')
    sums.set(name, (sums.get(name) ?? 0) + Number(line.slice(line.lastIndexOf(' '))))
  }
  return name => sums.get(name)!
}

test('whatever is asked for and aborted, gauges tell the state and the sums agree with each other', async () => {
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 25 }), async steps => {
      const options = { maxNumSeqs: 3, maxLoras: 2, firstToken: 50, interToken: 9, maxModelLen: 100 }
      const { clock, engine, metrics, submit } = startTestServer(options)
      for (const name of ['a', 'b', 'c']) engine.loras.register(name, '/adapters')
      const handles: RequestHandle[] = []
      let choices = 0
      let refused = 0
      for (const { prompts, n, maxTokens, lora, stop, remotePrefill, threshold, advance, abort } of steps) {
        choices += prompts.length * n
        for (const length of prompts) if (length + maxTokens > options.maxModelLen) refused += n
        handles.push(
          submit({
            prompts: prompts.map(length => ({ tokenIds: new Array(length).fill(7) })),
            n,
            limits: { maxTokens, ...(stop ? { stop: ['xxxxy'] } : { ignoreEos: true }) },
            kvTransfer: { doRemotePrefill: remotePrefill },
            forceCacheThreshold: threshold,
            ...(lora === undefined ? undefined : { lora, model: lora }),
          }),
        )
        clock.advance(advance)
        if (abort !== undefined) handles[abort % handles.length]!.abort()
        const now = totals(await metrics.render())
        expect(now('num_requests_running')).toBe(engine.snapshot().running)
        expect(now('num_requests_waiting')).toBe(engine.snapshot().waiting)
      }
      clock.runAll()
      const end = totals(await metrics.render())
      expect(end('num_requests_running')).toBe(0)
      expect(end('num_requests_waiting')).toBe(0)

      const served = end('request_success_total')
      expect(served).toBeGreaterThanOrEqual(choices - refused)
      expect(served).toBeLessThanOrEqual(choices)
      for (const name of ['e2e_request_latency_seconds', 'request_prompt_tokens', 'request_generation_tokens']) {
        expect(end(`${name}_count`)).toBe(served)
      }
      expect(end('request_queue_time_seconds_count')).toBe(choices)
      expect(end('request_decode_time_seconds_count')).toBe(end('time_to_first_token_seconds_count'))
      expect(end('request_prefill_time_seconds_count')).toBe(end('time_to_first_token_seconds_count'))

      expect(end('generation_tokens_total')).toBe(end('request_generation_tokens_sum'))
      expect(end('generation_tokens_total')).toBeGreaterThanOrEqual(end('inter_token_latency_seconds_count'))
      expect(end('prompt_tokens_total')).toBe(end('prompt_tokens_by_source_total'))
      expect(end('external_prefix_cache_hits_total')).toBe(end('prompt_tokens_cached_total'))
      expect(end('inter_token_latency_seconds_sum')).toBeCloseTo(end('time_per_output_token_seconds_sum'), 9)
      // Nothing of the time from the first token to the last is counted twice or lost.
      expect(end('inter_token_latency_seconds_sum')).toBeLessThanOrEqual(end('request_decode_time_seconds_sum') + 1e-9)
      expect(end('e2e_request_latency_seconds_sum')).toBeGreaterThanOrEqual(end('request_inference_time_seconds_sum'))
    }),
    { numRuns: 40 },
  )
})
