import { Token } from '@vllm-sim/core-engine'
import { expect, test } from 'vitest'
import type { ServingContext } from '../context.ts'
import { exactTokens } from './exact-tokens.ts'

const context = (outputTokens: ServingContext['outputTokens']): ServingContext => ({ outputTokens }) as ServingContext

test('tokens that join to the text are taken as they are', () => {
  const tokens = [new Token(1, '{"a'), new Token(2, '"}')]
  expect(
    exactTokens(
      '{"a"}',
      context(() => tokens),
    ),
  ).toBe(tokens)
})

test('a tokenizer that changes what it encodes keeps its ids and count, not its text', () => {
  const lossy = context(() => [new Token(7, '{ "'), new Token(8, 'A'), new Token(9, '" }')])
  const tokens = exactTokens('{"Ä b"}', lossy)
  expect(tokens.map(token => token.id)).toEqual([7, 8, 9])
  expect(tokens.map(token => token.text).join('')).toBe('{"Ä b"}')
  expect(
    exactTokens(
      'x',
      context(() => []),
    ).map(token => token.text),
  ).toEqual(['x'])
})
