import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryDirectory } from './testing/fixtures.ts'

test('the example of the README prints what the README says', () => {
  using directory = temporaryDirectory()
  const root = fileURLToPath(new URL('..', import.meta.url))
  const [, output] = readFileSync(`${root}README.md`, 'utf8').match(/It prints:\n\n```\n(.*?)```/s)!
  const printed = execFileSync(process.execPath, [`${root}scripts/example.ts`], {
    cwd: directory.path,
    encoding: 'utf8',
  })
  expect(printed).toBe(output)
})
