import { expect, it } from 'vitest'
import { doubled } from './baseline.ts'
import { microCases } from './command.ts'
import type { MicroResult } from './measure.ts'

it.each(Object.entries(microCases))('%s runs as often as it is told', async (_, make) => {
  const one = await make()
  await one.run(100)
  await one.baseline(100)
  expect(one.operation).not.toBe('')
})

it('tells what has doubled', () => {
  const result = (ratio: number): MicroResult => ({
    operation: 'o',
    against: 'a',
    nanoseconds: ratio,
    baseline: 1,
    ratio,
  })
  const now = new Map([
    ['same', result(3.9)],
    ['worse', result(4.1)],
    ['new', result(100)],
  ])
  expect(doubled(now, { same: 2, worse: 2, gone: 1 })).toEqual(['worse (o): 4.10 times its baseline, it was 2'])
})
