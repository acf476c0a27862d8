import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as library from './index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

test('the table names every export and no other', () => {
  const table = readme.slice(readme.indexOf('| export'), readme.indexOf('## Bounds'))
  const named = [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(match => match[1]!),
  )
  expect(named.sort()).toEqual(Object.keys(library).sort())
})
