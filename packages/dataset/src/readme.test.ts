import { execFileSync } from 'node:child_process'
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryDirectory } from './testing/fixtures.ts'

test('the example of the README prints what the README says', () => {
  using directory = temporaryDirectory()
  const root = fileURLToPath(new URL('..', import.meta.url))
  const readme = readFileSync(`${root}README.md`, 'utf8')
  const [, code, output] = readme.match(/```js\n(.*?)```\n\nIt prints:\n\n```\n(.*?)```/s)!
  mkdirSync(directory.file('node_modules/@vllm-sim'), { recursive: true })
  symlinkSync(root, directory.file('node_modules/@vllm-sim/dataset'))
  symlinkSync(`${root}node_modules/@vllm-sim/tokenizer`, directory.file('node_modules/@vllm-sim/tokenizer'))
  writeFileSync(directory.file('example.mjs'), code!)
  expect(execFileSync(process.execPath, ['example.mjs'], { cwd: directory.path, encoding: 'utf8' })).toBe(output)
})
