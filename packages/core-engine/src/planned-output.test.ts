import { expect, test } from 'vitest'
import type { OutputPart, PlannedOutput } from './request.ts'
import { Harness } from './testing/harness.ts'
import { Token } from './token.ts'

const part = (kind: OutputPart['kind'], ...texts: string[]): OutputPart => ({
  kind,
  tokens: texts.map((text, id) => new Token(id, text)),
  ...(kind === 'tool' ? { tool: { id: texts[0]!, name: 'f' } } : undefined),
})

function run(planned: PlannedOutput, limits: object = {}) {
  const harness = new Harness({ latency: { timeToFirstToken: 100, interTokenLatency: 10 } })
  const { sink } = harness.submit({ output: { plan: () => planned }, limits })
  harness.clock.advance(10_000)
  return sink.one
}

test('the first token of a further call takes no time of its own; one after reasoning does', () => {
  const parts = [part('reasoning', 'a', 'b'), part('tool', '{', '}'), part('tool', '[', ']')]
  const { text, at, outcome } = run({ parts, finishReason: 'tool_calls', uncut: true, hiddenTokens: 6 })
  expect(text).toBe('ab{}[]')
  expect(at).toEqual([100, 110, 120, 130, 130, 140])
  expect(outcome).toMatchObject({ finishReason: 'tool_calls', completionTokens: 12, reasoningTokens: 2 })
})

test('neither limit nor stop conditions cut what must stay whole', () => {
  const planned = { parts: [part('tool', '{', '"a"', '}')], finishReason: 'tool_calls', uncut: true } as const
  const { text, outcome } = run(planned, { maxTokens: 1, stop: ['"', '}'], stopTokenIds: [1] })
  expect(text).toBe('{"a"}')
  expect(outcome).toMatchObject({ finishReason: 'tool_calls', stopReason: null })
})

test('limit and stop strings cut planned text', () => {
  const planned = { parts: [part('text', 'one ', 'two ', 'three')], finishReason: 'stop' } as const
  expect(run(planned, { maxTokens: 2 })).toMatchObject({ text: 'one two ', outcome: { finishReason: 'length' } })
  expect(run(planned, { maxTokens: 3 })).toMatchObject({ text: 'one two three', outcome: { finishReason: 'stop' } })
  expect(run(planned, { stop: ['two'] })).toMatchObject({
    text: 'one ',
    outcome: { finishReason: 'stop', stopReason: 'two' },
  })
})

test('ordinary text follows reasoning within what is left of the limit', () => {
  const planned = { parts: [part('reasoning', 'a', 'b')], finishReason: 'stop', thenText: true } as const
  const { at, outcome } = run(planned, { maxTokens: 9, ignoreEos: true })
  expect(at).toHaveLength(9)
  expect(outcome).toMatchObject({ finishReason: 'length', completionTokens: 9, reasoningTokens: 2 })
})
