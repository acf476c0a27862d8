import { readFileSync } from 'node:fs'
import { seededRandom } from '@vllm-sim/latency'
import { compileConstraint, requestBudget, StructureError } from '@vllm-sim/structured-output'
import { expect, test } from 'vitest'
import * as library from './index.ts'

/** The example of the README, where the type checker reads it; the test compares both. */
function example(console: { log(value: unknown): void }): void {
  // begin
  const schema = {
    type: 'object',
    properties: { city: { enum: ['Rome'] }, degrees: { type: 'integer', minimum: 20, maximum: 20 } },
    required: ['city', 'degrees'],
  }
  const texts = compileConstraint({ kind: 'json', schema }, {}, requestBudget())
  console.log(`${texts.generate(seededRandom(42))}`) // {"city":"Rome","degrees":20}

  const long = { type: 'array', minItems: 999, items: { type: 'string', minLength: 100_000 } }
  const text = compileConstraint({ kind: 'json', schema: long }).known
  console.log(text.length > 99_000_000) // true
  const pieces = text.pieces()
  console.log(pieces.next().value) // [

  try {
    compileConstraint({ kind: 'regex', pattern: '((a{1000}){1000}){1000}' })
  } catch (error) {
    console.log(error instanceof StructureError) // true
  }
  // end
}

const readme = readFileSync(new URL('../README.md', import.meta.url), 'utf8')
const shown = /^```ts\n(.*?)^```/ms.exec(readme)?.[1] ?? ''

test('the example is the one that the type checker reads, and prints what its comments say', () => {
  const own = readFileSync(new URL(import.meta.url), 'utf8')
  const checked = /^ {2}\/\/ begin\n(.*?)^ {2}\/\/ end/ms.exec(own)![1]!.replaceAll(/^ {2}/gm, '')
  const imports = own.split('\n').filter(line => /^import .* from '@vllm-sim/.test(line))
  expect(shown).toBe(`${imports.join('\n')}\n\n${checked}`)
  const printed: string[] = []
  example({ log: value => printed.push(String(value)) })
  expect(printed).toEqual([...shown.matchAll(/console\.log\(.*\) \/\/ (.*)$/gm)].map(match => match[1]))
})

test('the table names every export and no other', () => {
  const table = readme.slice(readme.indexOf('| export'), readme.indexOf('## Bounds'))
  const named = [...table.matchAll(/^\| (`.*?) \|/gm)].flatMap(([, cell = '']) =>
    [...cell.matchAll(/`(\w+)`/g)].map(match => match[1]!),
  )
  expect(named.sort()).toEqual(Object.keys(library).sort())
})
