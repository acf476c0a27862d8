import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as latency from './index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const example = /^```ts\n(.*?)^```/ms.exec(readme)?.[1] ?? ''

test('the example prints what its comments say', () => {
  const printed: unknown[] = []
  const body = example.replaceAll(/^import (\{.*?\}) from '@vllm-sim\/latency'$/gm, 'const $1 = latency')
  new Function('latency', 'console', body)(latency, { log: (value: unknown) => printed.push(value) })
  const promised = [...example.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(match => Number(match[1]))
  expect(promised).toHaveLength(3)
  expect(printed).toEqual(promised)
})

test('the table names every export and no other', () => {
  const named = [...readme.matchAll(/^\| (.*?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)/g)].map(match => match[1]!),
  )
  const types = ['Clock', 'Random']
  expect(named.filter(name => !types.includes(name)).sort()).toEqual(
    Object.keys(latency)
      .filter(name => name !== 'Deadline')
      .sort(),
  )
})
