import { describe, expect, test } from 'vitest'
import { type ContractServer, contractServer, loadBecomes, prompt } from './contract-server.ts'

// Times as a client sees them, for a prompt of five tokens that is echoed.

const echo = ['--mode', 'echo']
const remote = { kv_transfer_params: { do_remote_prefill: true } }
const body = { model: 'm', prompt }

/** Milliseconds until the first byte and the last. */
async function timed(server: ContractServer, more: object = {}): Promise<{ first: number; last: number }> {
  const start = server.clock.now()
  const ask = async (): Promise<{ first: number; last: number }> => {
    const response = await fetch(`${server.url}/v1/completions`, {
      method: 'POST',
      body: JSON.stringify({ ...body, ...more }),
    })
    const first = server.clock.now() - start
    await response.text()
    expect(response.status).toBe(200)
    return { first, last: server.clock.now() - start }
  }
  return server.clock.until(ask())
}

describe('the calculators', () => {
  const standing = { standing: true }
  const byDefault = contractServer([...echo, '--prefill-overhead', '1s', '--prefill-time-per-token', '50ms'], standing)
  const constant = contractServer(
    [
      ...[...echo, '--latency-calculator', 'constant', '--prefill-overhead', '3s', '--prefill-time-per-token', '50ms'],
      ...['--kv-cache-transfer-latency', '50ms', '--inter-token-latency', '50ms'],
    ],
    standing,
  )
  const slowPrefill = contractServer(
    [
      ...[...echo, '--latency-calculator', 'constant', '--time-to-first-token', '3s'],
      ...['--kv-cache-transfer-latency', '50ms'],
    ],
    standing,
  )
  const perToken = contractServer(
    [
      ...[...echo, '--latency-calculator', 'per-token', '--time-to-first-token', '50ms'],
      ...['--inter-token-latency', '50ms', '--prefill-overhead', '1s', '--prefill-time-per-token', '50ms'],
      ...['--kv-cache-transfer-latency', '3s'],
    ],
    standing,
  )
  const exact = contractServer([...echo, '--inter-token-latency', '750us', '--time-to-first-token', '12.9ms'], standing)
  const loaded = contractServer(
    [...echo, '--time-to-first-token', '400ms', '--time-factor-under-load', '3', '--max-num-seqs', '2'],
    standing,
  )

  test('by default the per-token one, when there is no time to first token', async () => {
    expect(await timed(byDefault)).toEqual({ first: 1250, last: 1250 })
    expect(await timed(byDefault, { stream: true })).toEqual({ first: 1250, last: 1250 })
  })

  test('constant knows no prefill per token, and takes the transfer time for a remote prefill', async () => {
    expect(await timed(constant, { stream: true })).toEqual({ first: 0, last: 200 })
    expect(await timed(constant, { ...remote, stream: true })).toEqual({ first: 50, last: 250 })
  })

  test('a remote prefill does not take the time to first token', async () => {
    expect(await timed(slowPrefill, remote)).toEqual({ first: 50, last: 50 })
  })

  test('per token, also when there are constant times', async () => {
    expect(await timed(perToken, { stream: true })).toEqual({ first: 1250, last: 1450 })
    expect(await timed(perToken, { ...remote, stream: true })).toEqual({ first: 0, last: 200 })
  })

  test('fractions of a millisecond are kept', async () => {
    const answer = exact.post('/v1/completions', { ...body, prompt: Array.from({ length: 400 }, () => 7) })
    const { json } = await exact.clock.until(answer)
    expect(json.usage.completion_tokens).toBe(400)
    const sum = await exact.metric('vllm:e2e_request_latency_seconds_sum{model_name="m"}')
    expect(sum).toBeCloseTo((12.9 + 399 * 0.75) / 1000, 9)
  })

  test('a second request at a time takes longer by the factor', async () => {
    expect(await timed(loaded)).toEqual({ first: 400, last: 400 })
    const first = loaded.post('/v1/completions', body)
    await loadBecomes(loaded, 1)
    expect(await timed(loaded)).toEqual({ first: 1200, last: 1200 })
    await first
  })
})
