import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as engine from './index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const example = /^```ts\n(.*?)^```/ms.exec(readme)?.[1] ?? ''

test('the example prints what it says', () => {
  const printed: string[] = []
  const body = example.replaceAll(/^import (\{.*?\}) from '@vllm-sim\/core-engine'$/gm, 'const $1 = library')
  new Function('library', 'console', body)(engine, { log: (value: unknown) => printed.push(String(value)) })
  const promised = [...example.matchAll(/^\/\/ (.*)$/gm)].map(match => match[1])
  expect(promised).toHaveLength(4)
  expect(printed).toEqual(promised)
})

test('the files that it names are there', () => {
  const files = [...readme.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(.*?)`/g)].map(match => match[1]!),
  )
  expect(files.length).toBeGreaterThan(10)
  expect(files.filter(file => !existsSync(new URL(file, import.meta.url)))).toEqual([])
})
