import type { AddressInfo } from 'node:net'
import { createLog } from '@vllm-sim/service'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import { createHttpServer } from '@vllm-sim/transport-http'
import { describe, expect, onTestFinished, test } from 'vitest'
import { createInstance } from '../src/assemble/instance.ts'
import { errorOf, load } from '../src/config/testing/load.ts'

const cost = {
  host_ms: 1,
  mixed_ms: 0,
  weights_ms: 1,
  token_us: 1,
  seq_us: 0,
  ctx_us_per_ktok: 0,
  pair_us_per_ktok: 0,
  skew_us_per_ktok: 0,
}
const profile = {
  schema: 'vllm-sim.step-profile/1',
  name: 'test',
  engine: { max_num_seqs: 8, max_num_batched_tokens: 512, num_gpu_blocks: 33, async_scheduling: false },
  cost,
  arrival_ms: 0,
}
const files = { 'p.json': JSON.stringify(profile), 'bad.json': '{"schema":"x"}', 'no.json': '{' }

function configure(...args: string[]) {
  return load(['--model', 'm', '--step-profile', 'p.json', ...args], {}, files)
}

async function start(...args: string[]): Promise<string> {
  const { config } = await configure(...args)
  const log = createLog({ level: 'silent', format: 'json' })
  const { listener } = createInstance({ config, tokenizer: new SimulatedTokenizer(), log, port: 8000 })
  const server = createHttpServer(listener)
  onTestFinished(() => {
    server.closeAllConnections()
    server.close()
  })
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', () => resolve()))
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

interface Answer {
  readonly usage?: { readonly completion_tokens: number }
  readonly 'step-profile'?: unknown
}

async function post(url: string, body: object): Promise<{ status: number; body: Answer }> {
  const response = await fetch(url, { method: 'POST', body: JSON.stringify(body) })
  return { status: response.status, body: (await response.json()) as Answer }
}

describe('options', () => {
  test('an option wins over the profile, the profile over vLLM’s default', async () => {
    const { config } = await configure('--max-num-seqs', '3')
    expect(config).toMatchObject({ maxNumSeqs: 3, blockSize: 16 })
    expect(config.steps).toMatchObject({ maxNumBatchedTokens: 512, numBlocks: 33, async: false, caching: true })
    const changed = await configure(
      '--async-scheduling',
      '--no-enable-prefix-caching',
      '--num-gpu-blocks-override',
      '9',
    )
    expect(changed.config.steps).toMatchObject({ maxNumSeqs: 8, async: true, caching: false, numBlocks: 9 })
  })

  test.each([
    [
      ['--scheduling-policy', 'lifo'],
      "argument --scheduling-policy: invalid choice: 'lifo' (choose from 'fcfs', 'priority')",
    ],
    [
      ['--no-enable-chunked-prefill'],
      'max_num_batched_tokens (512) is smaller than max_model_len (1024). This effectively',
    ],
    [
      ['--max-num-batched-tokens', '4'],
      'max_num_batched_tokens (4) must be greater than or equal to max_num_seqs (8).',
    ],
    [['--num-gpu-blocks-override', '1'], 'the KV cache must have at least 2 blocks, one of which is never used, got 1'],
    [['--step-profile', 'none.json'], 'step-profile none.json: '],
    [['--step-profile', 'no.json'], 'step-profile no.json: '],
    [['--step-profile', 'bad.json'], 'step-profile bad.json: name is missing'],
  ])('%j', async (args, message) => {
    expect(await errorOf(configure(...args))).toContain(message)
  })

  test('the calculator needs a profile', async () => {
    expect(await errorOf(load(['--model', 'm', '--latency-calculator', 'step']))).toContain('needs a step-profile')
  })
})

test('short of blocks requests are preempted, and all of them are served', async () => {
  const url = await start()
  const prompt = Array.from({ length: 8 }, (_, i) => `${i} `.repeat(100))
  const answer = await post(`${url}/v1/completions`, { model: 'm', prompt, max_tokens: 60, ignore_eos: true })
  expect([answer.status, answer.body.usage?.completion_tokens]).toEqual([200, 480])
  const metrics = await (await fetch(`${url}/metrics`)).text()
  expect(Number(/^vllm:num_preemptions_total\{.*\} (\d+)$/m.exec(metrics)?.[1])).toBeGreaterThan(0)
  expect(metrics).toMatch(/^vllm:kv_cache_usage_perc\{.*\} 0$/m)
})

test('the profile is shown and can be changed', async () => {
  const url = await start()
  const shown = (await (await fetch(`${url}/admin/config`)).json()) as Record<string, unknown>
  expect(shown['step-profile']).toEqual(profile)
  const slower = { ...profile, cost: { ...cost, host_ms: 5 } }
  expect((await post(`${url}/admin/config`, { 'step-profile': slower })).body['step-profile']).toEqual(slower)
  const wrong = await post(`${url}/admin/config`, { 'step-profile': { ...profile, cost: {} } })
  expect(wrong).toMatchObject({
    status: 400,
    body: { error: { message: expect.stringContaining('cost.host_ms is missing') } },
  })
  expect((await post(`${url}/admin/config`, { 'step-profile': 'p.json' })).status).toBe(400)
  const answer = await post(`${url}/v1/completions`, { model: 'm', prompt: 'Hi', max_tokens: 3, priority: 2 })
  expect(answer.status).toBe(200)
})
