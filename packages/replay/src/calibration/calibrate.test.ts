import { type StepCoefficients, StepCost, seededRandom, stepProfile } from '@vllm-sim/latency'
import { describe, expect, test } from 'vitest'
import { readTrace } from '../read-trace.ts'
import { replay } from '../replay.ts'
import type { ReplayEngine } from '../replay-engine.ts'
import { calibrate, profileOf } from './calibrate.ts'
import { type Fitted, fittedNames } from './fit.ts'
import { modelConfig, startValues } from './start-values.ts'

const truth: StepCoefficients = {
  host_ms: 2.5,
  mixed_ms: 4.5,
  weights_ms: 15,
  token_us: 95,
  seq_us: 45,
  ctx_us_per_ktok: 140,
  pair_us_per_ktok: 4,
  skew_us_per_ktok: 180,
}
/** Start values that are not the truth. */
const start: StepCoefficients = {
  ...truth,
  ...{ host_ms: 1.5, mixed_ms: 3, weights_ms: 14.9, token_us: 80, seq_us: 20 },
  ...{ ctx_us_per_ktok: 120, pair_us_per_ktok: 3, skew_us_per_ktok: 100 },
}
const engine: Omit<ReplayEngine, 'cost' | 'arrivalDelay'> = {
  blockSize: 16,
  numBlocks: 4000,
  maxNumSeqs: 64,
  maxNumBatchedTokens: 1024,
  maxModelLen: 4096,
  chunkedPrefill: true,
  longPrefillTokenThreshold: 0,
  policy: 'fcfs',
  watermark: 0,
  reserveFullInput: true,
  maxLoras: 0,
  caching: true,
  async: true,
}

/** Requests and what a simulated engine measured of them, with noise in milliseconds. */
function measuredRun(noise: number) {
  const random = seededRandom(3, 'calibration')
  let at = 0
  const rows = Array.from({ length: 90 }, () => {
    at += random.int(20, 400)
    return { timestamp: at - 20, input_length: random.int(50, 1500), output_length: random.int(20, 200) }
  })
  const text = (all: readonly object[]) => all.map(row => JSON.stringify(row)).join('\n')
  const trace = readTrace(text(rows), { blockSize: 16 })
  const { requests } = replay(trace, { engine: { ...engine, arrivalDelay: 0.5, cost: new StepCost(truth) } })
  const off = () => (noise > 0 ? random.normal(0, noise) : 0)
  const measured = trace.requests.map((row, i) => {
    const { arrivedAt, startedAt, firstTokenAt, lastTokenAt } = requests[i]!
    const first = firstTokenAt + off()
    return {
      ...{ timestamp: row.arrival, input_length: row.inputLength, output_length: row.outputLength },
      ...{ queued_ms: arrivedAt + 0.5, scheduled_ms: startedAt },
      ...{ first_token_ms: first, last_token_ms: Math.max(first, lastTokenAt + off()) },
    }
  })
  return readTrace(text(measured), { blockSize: 16 })
}

describe('known coefficients are found again where the data tells them', () => {
  test.each([
    [0, 0.05],
    [5, 0.2],
  ])('noise of %d ms', (noise, within) => {
    const run = measuredRun(noise)
    const found = calibrate({ runs: [run], engine, start, holdout: 0.3 })
    const certain = fittedNames.filter(name => found.fit.coefficients[name]!.sd < 0.1)
    expect(certain).toEqual(expect.arrayContaining(['token_us', 'weights_ms'] satisfies Fitted[]))
    for (const name of certain) {
      expect(Math.abs(found.coefficients[name] / truth[name] - 1), `${name} ${found.coefficients[name]}`).toBeLessThan(
        within,
      )
    }
    expect(Math.abs(found.heldOut!.e2e.mean)).toBeLessThan(1)
    expect(found.heldOut!.rows).toBe(27)
    const profile = profileOf('p', found, { block_size: 16 }, undefined)
    expect(stepProfile(JSON.parse(JSON.stringify(profile)))).toEqual(JSON.parse(JSON.stringify(profile)))
  })
})

test('too few rows', () => {
  const run = measuredRun(0)
  const few = { ...run, requests: run.requests.slice(0, 10) }
  expect(() => calibrate({ runs: [few], engine, start, holdout: 0 })).toThrow(
    'needs 20 requests with measured first and last token, got 10',
  )
})

describe('start values', () => {
  const llama = {
    ...{ hidden_size: 4096, num_hidden_layers: 32, num_attention_heads: 32, num_key_value_heads: 8 },
    ...{ intermediate_size: 14336, vocab_size: 128256 },
  }

  test('Llama 3.1 8B on an RTX 4090', () => {
    const values = startValues('NVIDIA GeForce RTX 4090 24GB', modelConfig(llama), { tensor: 1, expert: 1 })
    expect(values).toMatchObject({ host_ms: 1.5, mixed_ms: 3, seq_us: 20, skew_us_per_ktok: 100 })
    expect(values.weights_ms).toBeCloseTo(14.89, 2)
    expect(values.ctx_us_per_ktok).toBeCloseTo(130.03, 2)
  })

  test('experts', () => {
    const moe = { ...llama, num_experts: 128, num_experts_per_tok: 8, moe_intermediate_size: 768 }
    const { moe: experts } = startValues('h100', modelConfig(moe), { tensor: 1, expert: 2 })
    expect(experts).toMatchObject({ experts: 128, active: 8 })
  })

  test.each([
    [
      () => startValues('abacus', modelConfig(llama), { tensor: 1, expert: 1 }),
      'unknown GPU abacus: known are RTX PRO 6000',
    ],
    [() => modelConfig({ ...llama, vocab_size: 'x' }), 'needs a whole number as vocab_size'],
    [() => modelConfig([]), 'needs a whole number as hidden_size'],
  ])('%s', (run, message) => {
    expect(run).toThrow(message)
  })
})
