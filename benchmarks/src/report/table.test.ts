import { expect, it } from 'vitest'
import type { Sample } from '../groups/sample.ts'
import { counted, figure, ratio, report } from './table.ts'

function sample(system: string, round: number, cpuPerChunk: number, more: Partial<Sample> = {}): Sample {
  return {
    group: 's64',
    title: 'streams',
    system,
    round,
    values: { cpuPerChunk },
    noisy: false,
    loadAverage: 0.5,
    ...more,
  }
}

it('compares within a round and takes the median of the rounds', () => {
  // A machine that is half as fast in round 2 changes no ratio.
  const ours = [sample('ours', 1, 6), sample('ours', 2, 12), sample('ours', 3, 9)]
  const bare = [sample('bare', 1, 5), sample('bare', 2, 10), sample('bare', 3, 5)]
  expect(ratio(ours, bare, 'cpuPerChunk')).toBeCloseTo(1.2)
  expect(report([...ours, ...bare])).toContain('| server CPU, µs per chunk | 9 | 5 | 1.2 |')
})

it('leaves disturbed rounds out while there are quiet ones, and says so', () => {
  const rounds = [sample('ours', 1, 6), sample('ours', 2, 60, { noisy: true, loadAverage: 3.25 })]
  expect(counted(rounds)).toEqual([rounds[0]])
  expect(counted([rounds[1]!])).toEqual([rounds[1]])
  expect(report(rounds)).toContain('Load average 0.5 to 3.3; 1 of 2 measurements were disturbed.')
})

it('tells what failed', () => {
  const text = report([sample('ours', 1, 6), { ...sample('bare', 1, 0), values: {}, failed: 'it did not start' }])
  expect(text).toContain('bare, round 1, failed: it did not start')
})

it('writes numbers that can be read', () => {
  expect([1234567.8, 123.4, 12.345, 1.2345, 0.004, -3.21, Number.NaN].map(value => figure(value))).toEqual([
    '1,234,568',
    '123',
    '12.3',
    '1.23',
    '0',
    '-3.21',
    '–',
  ])
})
