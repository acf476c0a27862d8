import { describe, expect, test } from 'vitest'
import { type ContractServer, contractServer, loadBecomes, prompt } from './contract-server.ts'

// Times as a client sees them, for a prompt of five tokens that is echoed. A lower bound is exact, an upper one generous.

const echo = ['--mode', 'echo']
const remote = { kv_transfer_params: { do_remote_prefill: true } }
const body = { model: 'm', prompt }

/** Milliseconds until the first byte and the last. A timer may be early by less than one. */
async function timed(server: ContractServer, more: object = {}): Promise<{ first: number; last: number }> {
  const start = performance.now()
  const response = await fetch(`${server.url}/v1/completions`, {
    method: 'POST',
    body: JSON.stringify({ ...body, ...more }),
  })
  const first = performance.now() - start + 1
  await response.text()
  expect(response.status).toBe(200)
  return { first, last: performance.now() - start + 1 }
}

describe.concurrent('the calculators', () => {
  const byDefault = contractServer([...echo, '--prefill-overhead', '1s', '--prefill-time-per-token', '50ms'])
  const constant = contractServer([
    ...[...echo, '--latency-calculator', 'constant', '--prefill-overhead', '3s', '--prefill-time-per-token', '50ms'],
    ...['--kv-cache-transfer-latency', '50ms', '--inter-token-latency', '50ms'],
  ])
  const slowPrefill = contractServer([
    ...[
      ...echo,
      '--latency-calculator',
      'constant',
      '--time-to-first-token',
      '3s',
      '--kv-cache-transfer-latency',
      '50ms',
    ],
  ])
  const perToken = contractServer([
    ...[...echo, '--latency-calculator', 'per-token', '--time-to-first-token', '50ms', '--inter-token-latency', '50ms'],
    ...['--prefill-overhead', '1s', '--prefill-time-per-token', '50ms', '--kv-cache-transfer-latency', '3s'],
  ])
  const exact = contractServer([...echo, '--inter-token-latency', '750us', '--time-to-first-token', '12.9ms'])
  const loaded = contractServer([
    ...[...echo, '--time-to-first-token', '400ms', '--time-factor-under-load', '3', '--max-num-seqs', '2'],
  ])

  test('by default the per-token one, when there is no time to first token', async () => {
    expect((await timed(byDefault)).last).toBeGreaterThanOrEqual(1250)
    expect((await timed(byDefault, { stream: true })).first).toBeGreaterThanOrEqual(1250)
  })

  test('constant knows no prefill per token, and takes the transfer time for a remote prefill', async () => {
    const plain = await timed(constant, { stream: true })
    expect(plain.first).toBeLessThan(3000)
    expect(plain.last).toBeGreaterThanOrEqual(200)
    const transfer = await timed(constant, { ...remote, stream: true })
    expect(transfer.first).toBeGreaterThanOrEqual(50)
    expect(transfer.last).toBeGreaterThanOrEqual(250)
  })

  test('a remote prefill does not take the time to first token', async () => {
    const { last } = await timed(slowPrefill, remote)
    expect(last).toBeGreaterThanOrEqual(50)
    expect(last).toBeLessThan(3000)
  })

  test('per token, also when there are constant times', async () => {
    const { first, last } = await timed(perToken, { stream: true })
    expect(first).toBeGreaterThanOrEqual(1250)
    expect(last).toBeGreaterThanOrEqual(1450)
    expect((await timed(perToken, { ...remote, stream: true })).last).toBeLessThan(3000)
  })

  test('fractions of a millisecond are kept', async () => {
    const { json } = await exact.post('/v1/completions', { ...body, prompt: Array.from({ length: 400 }, () => 7) })
    expect(json.usage.completion_tokens).toBe(400)
    const sum = await exact.metric('vllm:e2e_request_latency_seconds_sum{model_name="m"}')
    expect(sum).toBeGreaterThanOrEqual((12.9 + 399 * 0.75 - 1) / 1000)
  })

  test('a second request at a time takes longer by the factor', async () => {
    expect((await timed(loaded)).last).toBeGreaterThanOrEqual(400)
    const first = timed(loaded)
    await loadBecomes(loaded, 1)
    expect((await timed(loaded)).last).toBeGreaterThanOrEqual(1200)
    await first
  })
})
