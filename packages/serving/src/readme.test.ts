import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { failure, failures, image, shown, statusOf } from './testing/readme-example.ts'

function read(name: string): string {
  return readFileSync(new URL(name, import.meta.url), 'utf8')
}

test('the example of the README is the one that runs here', () => {
  const example = /^```ts\n(.*?)^```/ms.exec(read('../README.md'))?.[1]
  expect(example).toBe(read('testing/readme-example.ts').replace("'../index.ts'", "'@vllm-sim/serving'"))
})

test('it does what it says', () => {
  expect([shown, image]).toEqual(['my-model', true])
  expect([statusOf('alias'), statusOf('other')]).toEqual([200, 404])
  let failed = failure ? 1 : 0
  for (let i = 1; i < 1000; i++) if (failures.draw('{"prompt":"Hello"}')) failed++
  expect(failed).toBeGreaterThan(250)
  expect(failed).toBeLessThan(410)
})
