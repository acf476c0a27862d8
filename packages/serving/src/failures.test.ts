import { expect, test } from 'vitest'
import { FailureInjector } from './failures.ts'

test('the rate is kept, the types are drawn evenly, and the same seed gives the same failures', () => {
  const run = () => {
    const injector = new FailureInjector(7, 'm', () => ({ rate: 30, types: [] }))
    return Array.from({ length: 6000 }, (_, at) => injector.draw(`request ${at % 50}`)?.message)
  }
  const first = run()
  expect(run()).toEqual(first)
  const failed = first.filter(message => message !== undefined)
  expect(failed.length / first.length).toBeGreaterThan(0.27)
  expect(failed.length / first.length).toBeLessThan(0.33)
  const counts = Map.groupBy(failed, message => message)
  expect(counts.size).toBe(6)
  for (const list of counts.values()) expect(list.length).toBeGreaterThan(failed.length / 6 - 80)
})

test('rate 0 never fails, rate 100 always, with the named types only', () => {
  let rate = 0
  const injector = new FailureInjector(1, 'org/model', () => ({ rate, types: ['model_not_found'] }))
  expect(injector.draw('x')).toBeUndefined()
  rate = 100
  expect(injector.draw('x')).toEqual({
    status: 404,
    message: "The model 'org/model-nonexistent' does not exist",
    param: 'model',
  })
})
