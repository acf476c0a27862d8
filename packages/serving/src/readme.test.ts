import { expect, test } from 'vitest'
import { failure, failures, image, shown, statusOf } from '../scripts/example.ts'

test('the example of the README does what it says', () => {
  expect([shown, image]).toEqual(['my-model', true])
  expect([statusOf('alias'), statusOf('other')]).toEqual([200, 404])
  let failed = failure ? 1 : 0
  for (let i = 1; i < 1000; i++) if (failures.draw('{"prompt":"Hello"}')) failed++
  expect(failed).toBeGreaterThan(250)
  expect(failed).toBeLessThan(410)
})
