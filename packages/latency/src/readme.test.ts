import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import * as latency from './index.ts'

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')

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
