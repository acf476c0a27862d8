import { existsSync, readFileSync } from 'node:fs'
import { expect, test } from 'vitest'

test('the files that the README names are there', () => {
  const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
  const files = [...readme.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(.*?)`/g)].map(match => match[1]!),
  )
  expect(files.length).toBeGreaterThan(10)
  expect(files.filter(file => !existsSync(new URL(file, import.meta.url)))).toEqual([])
})
