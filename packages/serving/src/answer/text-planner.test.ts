import { type Random, type Token, toTokens } from '@vllm-sim/core-engine'
import type { StructuredText } from '@vllm-sim/structured-output'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import { expect, test } from 'vitest'
import type { ServingContext } from '../context.ts'
import { type PartTokens, textTokens } from './exact-tokens.ts'
import { loadStructured, structured } from './structured.ts'
import { TextPlanner } from './text-planner.ts'

await loadStructured()
const { compileConstraint, requestBudget, WholeText } = structured()

/** A context that counts the characters that are made into tokens. */
function counting(): { context: ServingContext; characters: () => number } {
  const tokenizer = new SimulatedTokenizer()
  let characters = 0
  const outputTokens = (text: string): Token[] => {
    characters += text.length
    return toTokens(tokenizer.encodeOutput(text))
  }
  return { context: { outputTokens } as ServingContext, characters: () => characters }
}

/** Reads a part as the engine does: asks for more as soon as it takes the last token. */
function read({ tokens, extend }: PartTokens, most = Number.POSITIVE_INFINITY): string {
  let text = ''
  for (let at = 0; at < most && at < tokens.length; at++) {
    text += tokens[at]!.text
    if (at + 1 >= tokens.length) extend?.()
  }
  return text
}

const plannerOf = (texts: StructuredText, context: ServingContext): TextPlanner =>
  new TextPlanner({ texts, spent: 0 }, requestBudget(), context)

/** Numbers that differ from stream to stream: Weyl sequences. */
function stream(seed: number): Random {
  let at = seed * 0.7548776662466927
  const next = (): number => (at = (at + 0.6180339887498949) % 1)
  return {
    next,
    int: (min, max) => min + Math.floor(next() * (max - min + 1)),
    chance: percent => next() * 100 < percent,
    normal: mean => mean,
  }
}
const streams = (count: number): Random[] => Array.from({ length: count }, (_, at) => stream(at))

test('of a hundred megabytes that a schema demands a thousand times, only what is read is made', () => {
  const { context, characters } = counting()
  const schema = { type: 'array', minItems: 999, items: { type: 'string', minLength: 100_000 } }
  const texts = compileConstraint({ kind: 'json', schema }, {}, requestBudget())
  const planner = plannerOf(texts, context)
  const begun = streams(1000).map(random => read(planner.plan(random, 16), 16))
  expect(begun[0]).toMatch(/^\["testing hello/)
  expect(new Set(begun)).toEqual(new Set([begun[0]]))
  expect(characters()).toBeLessThan(20_000)
})

test('texts that are not long are as many as are asked for, until the request has had its work', () => {
  const { context, characters } = counting()
  const schema = { type: 'array', minItems: 300, items: { type: 'integer' } }
  const texts = compileConstraint({ kind: 'json', schema })
  const planner = plannerOf(texts, context)
  const all = streams(1000).map(random => read(planner.plan(random, Number.POSITIVE_INFINITY)))
  expect(new Set(all).size).toBeGreaterThan(40)
  expect(all.at(-1)).toBe(texts.known.toString())
  expect(characters()).toBeLessThan(1_000_000)
  for (const text of all) expect(JSON.parse(text).length).toBeGreaterThanOrEqual(300)
})

test.each([
  ['words', 'lorem ipsum, '.repeat(5000)],
  ['no blanks', 'x'.repeat(50_000)],
  ['pairs', '😀'.repeat(20_001)],
  ['an odd pair', `a${'😀'.repeat(20_001)}`],
])('a long text is made in parts that join to it: %s', (_, text) => {
  const { context } = counting()
  const part = textTokens(new WholeText(text), context)
  expect(part.tokens.length).toBeLessThan(10_000)
  expect(read(part)).toBe(text)
  const whole = context.outputTokens(text).length
  expect(Math.abs(part.tokens.length - whole)).toBeLessThanOrEqual(text.length / 1000)
})
