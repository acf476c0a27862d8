import { expect, test } from 'vitest'
import { stepProfile } from './step-profile.ts'

const cost = {
  host_ms: 2,
  mixed_ms: 3,
  weights_ms: 9,
  token_us: 20,
  seq_us: 20,
  ctx_us_per_ktok: 50,
  pair_us_per_ktok: 1,
  skew_us_per_ktok: 100,
}
const profile = { schema: 'vllm-sim.step-profile/1', name: 'p', engine: {}, cost, arrival_ms: 1 }

test('the least that a profile has', () => {
  expect(stepProfile(JSON.parse(JSON.stringify(profile)))).toEqual(profile)
})

test.each<[unknown, string]>([
  [[], 'the profile must be an object, got []'],
  [null, 'the profile must be an object, got null'],
  [
    { ...profile, schema: 'vllm-sim.step-profile/2' },
    'schema must be "vllm-sim.step-profile/1", got "vllm-sim.step-profile/2"',
  ],
  [{ ...profile, name: '' }, 'name must be a text that is not empty, got ""'],
  [{ ...profile, extra: 1 }, 'extra is no member of a step profile'],
  [{ ...profile, engine: { gpus: 0 } }, 'engine.gpus must be a whole number from 1 to 2147483647, got 0'],
  [{ ...profile, cost: { ...cost, host_ms: -1 } }, 'cost.host_ms must be a number from 0 to 2147483647, got -1'],
  [{ ...profile, cost: { ...cost, hosts_ms: 1 } }, 'cost.hosts_ms is no member of a step profile'],
  [
    { ...profile, cost: { ...cost, seq_us: undefined } },
    'cost.seq_us must be a number from 0 to 2147483647, got undefined',
  ],
  [{ ...profile, cost: { ...cost, correction: [[1]] } }, 'cost.correction[0] must be a list of 2, got [1]'],
  [
    {
      ...profile,
      cost: {
        ...cost,
        correction: [
          [8, 1],
          [8, 1],
        ],
      },
    },
    'cost.correction[1][0] must be above the one before',
  ],
  [
    { ...profile, cost: { ...cost, moe: { share: 1, experts: 4, active: 8 } } },
    'cost.moe.active must not be above cost.moe.experts',
  ],
  [{ ...profile, arrival_ms: '1' }, 'arrival_ms must be a number from 0 to 2147483647, got "1"'],
  [{ ...profile, fit: { coefficients: { host_ms: { sd: 1, source: 'x' } } } }, 'fit.visited is missing'],
  [{ schema: profile.schema, name: 'p', cost, arrival_ms: 1 }, 'engine is missing'],
])('%j: %s', (given, message) => {
  expect(() => stepProfile(given)).toThrow(new RangeError(message))
})
