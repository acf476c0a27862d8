import { globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { optionTable, published } from './table.ts'

const src = fileURLToPath(new URL('..', import.meta.url))

/** Options that nobody has to read, and why. */
const unread: Readonly<Record<string, string>> = {
  'enable-lora': 'adapters always work',
  'enable-prompt-tokens-details': 'they are always reported',
  'enable-ssl-refresh': 'certificates are always read again',
}

/** Every source that may read a field of the configuration: not the rows, not what is generated or tested. */
const sources = globSync('**/*.ts', {
  cwd: src,
  exclude: ['options/**', '**/*.test.ts', '**/testing/**', 'config/docs/**'],
})
  .map(file => readFileSync(`${src}/${file}`, 'utf8'))
  .join('\n')

function fieldOf(name: string): string {
  return name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase())
}

function isRead(name: string): boolean {
  return new RegExp(`(\\.|[{,]\\s*)${fieldOf(name)}\\b`).test(sources)
}

test('every option that works is read by somebody', () => {
  const works = [...optionTable].filter(([, row]) => row.effect === 'works').map(([name]) => name)
  expect(works.filter(name => !isRead(name) && !(name in unread))).toEqual([])
  expect(Object.keys(unread).filter(isRead)).toEqual([])
  expect(works.filter(name => !(name in published))).toEqual([])
})
