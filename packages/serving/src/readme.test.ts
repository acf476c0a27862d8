import { readFileSync } from 'node:fs'
import * as engine from '@vllm-sim/core-engine'
import { expect, test } from 'vitest'
import * as serving from './index.ts'

test('the example of the README does what it says', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const example = /^```ts\n(.*?)^```/ms.exec(readme)?.[1] ?? ''
  const body = example.replaceAll(/^import (\{.*?\}) from '(.*?)'$/gm, "const $1 = libraries['$2']")
  const libraries = { '@vllm-sim/core-engine': engine, '@vllm-sim/serving': serving }
  const result = new Function('libraries', `${body}\nreturn { shown, status, failures, failure, image }`)(libraries)
  expect(result).toMatchObject({ shown: 'my-model', status: 404, image: true })
  let failed = result.failure ? 1 : 0
  for (let i = 1; i < 1000; i++) if (result.failures.draw('{"prompt":"Hello"}')) failed++
  expect(failed).toBeGreaterThan(250)
  expect(failed).toBeLessThan(410)
})
