import { seededRandom } from '@vllm-sim/latency'
import { expect, test } from 'vitest'
import { datasetMode, type RecordedAnswer, type RecordedAnswers } from './dataset-text.ts'
import { RequestError } from './errors.ts'
import type { TextContext } from './text-source.ts'
import { Token } from './token.ts'

const sentences = [[new Token(1, 'preset '), new Token(2, 'text. ')]]

function context(change: Partial<TextContext>): TextContext {
  return {
    random: seededRandom('test'),
    promptIds: [7, 8],
    echo: undefined,
    maxTokens: 10,
    limited: true,
    minTokens: 0,
    ignoreEos: false,
    ...change,
  }
}

function recorded(answer: RecordedAnswer): RecordedAnswers {
  return { answer: () => answer }
}

function run(
  source: RecordedAnswers,
  change: Partial<TextContext> = {},
): [text: string, ids: number[], reason: string] {
  const text = datasetMode(source, sentences).open(context(change))
  const tokens: Token[] = []
  while (!text.done) tokens.push(text.next())
  return [tokens.map(token => token.text).join(''), tokens.map(token => token.id), text.finishReason]
}

test('a recorded answer is played as it is', () => {
  expect(run(recorded({ ids: [5, 6], pieces: ['Hello', ' human'], finish: 'stop' }))).toEqual([
    'Hello human',
    [5, 6],
    'stop',
  ])
  expect(run(recorded({ ids: [], pieces: [], finish: 'stop' }))).toEqual(['', [], 'stop'])
})

test('preset text follows where the record is too short', () => {
  const padded = recorded({ ids: [5], pieces: ['Hi'], finish: 'length', pad: 3 })
  const [text, ids, reason] = run(padded, { maxTokens: 4, ignoreEos: true })
  expect(text).toBe('Hipreset text. preset ')
  expect(ids).toHaveLength(4)
  expect(reason).toBe('length')

  const short = recorded({ ids: [5], pieces: ['Hi'], finish: 'stop' })
  expect(run(short, { minTokens: 3 })).toEqual(['Hipreset text. ', [5, 1, 2], 'stop'])
  expect(run(short, { minTokens: 30, maxTokens: 3 })).toEqual(['Hipreset text. ', [5, 1, 2], 'length'])
})

test('the source is asked with the prompt, the limit and the random stream of the sequence', () => {
  const asked: unknown[] = []
  const change = context({ maxTokens: 9, ignoreEos: true })
  datasetMode(
    {
      answer: (...request) => {
        asked.push(...request)
        return { ids: [], pieces: [], finish: 'stop' }
      },
    },
    sentences,
  ).open(change)
  expect(asked).toEqual([[7, 8], 9, true, change.random])
})

test('a record that cannot be read is an error of the request', () => {
  const broken: RecordedAnswers = {
    answer: () => {
      throw new Error('database disk image is malformed')
    },
  }
  const open = () => datasetMode(broken, sentences).open(context({}))
  expect(open).toThrow(RequestError)
  expect(open).toThrow('failed to create response: database disk image is malformed')
})
