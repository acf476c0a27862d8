import { execFile } from 'node:child_process'
import { readFile } from 'node:fs/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { expect, test } from 'vitest'

const file = (path: string) => fileURLToPath(new URL(`../${path}`, import.meta.url))

test('the example prints what the README says', async () => {
  const { stdout } = await promisify(execFile)(process.execPath, [file('scripts/example.ts')])
  const { timestamp, ...line } = JSON.parse(stdout)
  expect(timestamp).toBeGreaterThan(1.7e9)
  const readme = await readFile(file('README.md'), 'utf8')
  const promised = /^`({"topic".*})`\.$/m.exec(readme)?.[1]?.replace('"timestamp":…,', '')
  expect(line).toEqual(JSON.parse(promised!))
})
