import { seededRandom } from '@vllm-sim/latency'
import { expect, test } from 'vitest'
import { answerLength, lengthRange, limitedLength, presetSentences } from './random-text.ts'
import { Harness } from './testing/harness.ts'

// Five equal parts of 1 to max - 1; above 101 four of them have at most 20 tokens and the fourth range has what is left.
test.each([
  [7, ['1-1', '2-2', '3-3', '4-4', '5-6']],
  [10, ['1-1', '2-3', '4-5', '6-7', '8-9']],
  [47, ['1-9', '10-18', '19-27', '28-36', '37-46']],
  [50, ['1-9', '10-19', '20-29', '30-39', '40-49']],
  [101, ['1-20', '21-40', '41-60', '61-80', '81-100']],
  [102, ['1-20', '21-40', '41-60', '61-82', '83-101']],
  [200, ['1-20', '21-40', '41-60', '61-180', '181-199']],
  [500, ['1-20', '21-40', '41-60', '61-480', '481-499']],
])('ranges of length under a limit of %i', (max, ranges) => {
  expect([0, 1, 2, 3, 4].map(range => lengthRange(max, range).join('-'))).toEqual(ranges)
})

test('lengths follow the histogram', () => {
  const random = seededRandom(3)
  const lengths = Array.from({ length: 20_000 }, () => limitedLength(500, random))
  const share = (test: (length: number) => boolean) => lengths.filter(test).length / lengths.length
  expect(share(length => length === 500)).toBeCloseTo(0.15, 1.7)
  expect(share(length => length >= 61 && length <= 480)).toBeCloseTo(0.05, 1.9)
  expect(share(length => length <= 20)).toBeCloseTo(0.2, 1.7)
  expect(Math.max(...lengths)).toBe(500)
  expect(Math.min(...lengths)).toBe(1)
})

test('without a limit the length is normal around 40, and never beyond the context', () => {
  const random = seededRandom(5)
  const context = { random, promptIds: [], echo: undefined, limited: false, minTokens: 0, ignoreEos: false }
  const lengths = Array.from({ length: 10_000 }, () => answerLength({ ...context, maxTokens: 30_000 }))
  const mean = lengths.reduce((a, b) => a + b) / lengths.length
  expect(mean).toBeGreaterThan(40)
  expect(mean).toBeLessThan(43)
  expect(Math.min(...lengths)).toBeGreaterThanOrEqual(1)
  const short = Array.from({ length: 1000 }, () => answerLength({ ...context, maxTokens: 3 }))
  expect(new Set(short)).toEqual(new Set([1, 2, 3]))
})

test('an answer is whole sentences, the last one possibly cut', () => {
  const harness = new Harness()
  for (let i = 0; i < 200; i++) {
    let { text } = harness.submit({ limits: { maxTokens: 60 } }).sink.one
    for (let sentence: string | undefined; (sentence = presetSentences.find(one => text.startsWith(one))); ) {
      text = text.slice(sentence.length)
    }
    expect(presetSentences.some(one => one.startsWith(text))).toBe(true)
  }
})
