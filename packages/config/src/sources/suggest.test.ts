import { expect, test } from 'vitest'
import { editDistance, nearest } from './suggest.ts'

test.each([
  ['', '', 0],
  ['abc', 'abc', 0],
  ['abc', '', 3],
  ['prot', 'port', 1],
  ['kitten', 'sitting', 3],
  ['ca', 'abc', 3],
])('from %j to %j: %d', (from, to, distance) => {
  expect(editDistance(from, to)).toBe(distance)
  expect(editDistance(to, from)).toBe(distance)
})

test('an abbreviation is as good a guess as one misspelt letter, the shortest completion the best', () => {
  const names = ['max-model-len', 'max-num-seqs', 'mode', 'model', 'max-num-batched-tokens']
  expect(nearest('max-num', names)).toBe('max-num-seqs')
  expect(nearest('modle', names)).toBe('model')
  expect(nearest('mo', names)).toBe('mode')
  expect(nearest('prot', ['protect-admin', 'port'])).toBe('port')
})
