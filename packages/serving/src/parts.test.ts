import { type OutputPart, Token } from '@vllm-sim/core-engine'
import { expect, test } from 'vitest'
import { type Choice, PartCursor, piecesOf, textOf } from './parts.ts'

const tokens = (...texts: string[]): Token[] => texts.map((text, id) => new Token(id, text))
const tool = (id: string, ...texts: string[]): OutputPart => ({
  kind: 'tool',
  tokens: tokens(...texts),
  tool: { id, name: `name of ${id}` },
})
const choice = (parts: readonly OutputPart[] | undefined, given: Token[]): Choice =>
  ({ index: 0, text: given.map(token => token.text).join(''), tokens: given, sequence: { parts } }) as unknown as Choice

test('plain text is one open part', () => {
  const cursor = new PartCursor(undefined)
  expect([cursor.next(), cursor.next()]).toEqual([
    { kind: 'text', first: true, last: false },
    { kind: 'text', first: false, last: false },
  ])
})

test('every token has its place; calls are numbered, empty parts skipped', () => {
  const parts = [
    { kind: 'reasoning' as const, tokens: tokens('a', 'b') },
    tool('none'),
    tool('x', '{', '}'),
    tool('y', '{}'),
  ]
  const cursor = new PartCursor(parts)
  expect([1, 2, 3, 4, 5].map(() => cursor.next())).toEqual([
    { kind: 'reasoning', first: true, last: false },
    { kind: 'reasoning', first: false, last: true },
    { kind: 'tool', tool: { id: 'x', name: 'name of x', index: 0 }, first: true, last: false },
    { kind: 'tool', tool: { id: 'x', name: 'name of x', index: 0 }, first: false, last: true },
    { kind: 'tool', tool: { id: 'y', name: 'name of y', index: 1 }, first: true, last: true },
  ])
})

test('ordinary text after reasoning goes on without end', () => {
  const parts = [
    { kind: 'reasoning' as const, tokens: tokens('a') },
    { kind: 'text' as const, tokens: [] },
  ]
  const pieces = piecesOf(choice(parts, tokens('a', 'b', 'c')))
  expect(pieces.map(({ kind, text }) => [kind, text])).toEqual([
    ['reasoning', 'a'],
    ['text', 'bc'],
  ])
  expect(textOf(pieces, 'tool')).toBeUndefined()
})

test('parts that a limit cut off are not there', () => {
  const parts = [
    { kind: 'reasoning' as const, tokens: tokens('a', 'b') },
    { kind: 'text' as const, tokens: tokens('c') },
  ]
  expect(piecesOf(choice(parts, tokens('a')))).toMatchObject([{ kind: 'reasoning', text: 'a' }])
  expect(piecesOf(choice(parts, []))).toEqual([])
  expect(piecesOf(choice(undefined, []))).toEqual([])
})
