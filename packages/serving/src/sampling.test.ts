import { expect, test } from 'vitest'
import { checkParams, type RequestParams, type SamplingParams } from './sampling.ts'

const sampling: SamplingParams = {
  n: 1,
  maxTokens: 16,
  minTokens: undefined,
  ignoreEos: undefined,
  stop: undefined,
  stopTokenIds: undefined,
  includeStop: undefined,
  seed: undefined,
  temperature: undefined,
  topP: undefined,
  topK: undefined,
  minP: undefined,
  presencePenalty: undefined,
  frequencyPenalty: undefined,
  repetitionPenalty: undefined,
}
const params: RequestParams = {
  stream: false,
  kvTransfer: undefined,
  priority: undefined,
  cacheSalt: undefined,
  cacheHitThreshold: undefined,
}

test.each<Partial<SamplingParams>>([
  {},
  { maxTokens: undefined },
  { n: 16_384 },
  { temperature: 0 },
  { temperature: 2 },
  { topP: 1, minP: 0, topK: -1 },
  { presencePenalty: -2, frequencyPenalty: 2, repetitionPenalty: 0.1 },
  { minTokens: 16 },
  { stop: ['a'] },
])('%j passes', changed => {
  expect(() => checkParams({ ...sampling, ...changed }, params)).not.toThrow()
})

test.each<[Partial<SamplingParams>, string, string | null]>([
  [{ n: 0 }, 'n must be at least 1', null],
  [{ n: 16_385 }, 'n must be at most 16384, got 16385.', 'n'],
  [{ maxTokens: 0 }, 'Max completion tokens and max tokens should be positive', null],
  [
    { ignoreEos: true, maxTokens: undefined },
    'Ignore_eos is true but max_completion_tokens (or max_tokens) is not set',
    null,
  ],
  [{ presencePenalty: 2.5 }, 'presence_penalty must be in [-2, 2], got 2.5.', 'presence_penalty'],
  [{ frequencyPenalty: -3 }, 'frequency_penalty must be in [-2, 2], got -3.', 'frequency_penalty'],
  [{ repetitionPenalty: 0 }, 'repetition_penalty must be greater than zero, got 0.', 'repetition_penalty'],
  [{ temperature: -1 }, 'temperature must be non-negative, got -1.', 'temperature'],
  [{ temperature: 3 }, 'temperature must be in [0, 2], got 3.', 'temperature'],
  [{ temperature: Number.NaN }, 'temperature must be non-negative, got NaN.', 'temperature'],
  [{ topP: 0 }, 'top_p must be in (0, 1], got 0.', 'top_p'],
  [{ topK: -2 }, 'top_k must be 0 (disable), or at least 1, got -2.', 'top_k'],
  [{ minP: 1.5 }, 'min_p must be in [0, 1], got 1.5.', 'min_p'],
  [{ minTokens: -1 }, 'min_tokens must be greater than or equal to 0, got -1.', 'min_tokens'],
  [{ minTokens: 17 }, 'min_tokens must be less than or equal to max_tokens=16, got 17.', 'min_tokens'],
  [{ stop: ['a', ''] }, 'stop cannot contain an empty string.', 'stop'],
  [{ stop: Array.from({ length: 1025 }, () => 'a') }, 'stop can have at most 1024 strings, got 1025.', 'stop'],
])('%j is refused', (changed, message, param) => {
  expect(() => checkParams({ ...sampling, ...changed }, params)).toThrow(
    expect.objectContaining({ status: 400, message, param }),
  )
})

test('what comes first in the reference is told first', () => {
  const both = { ...sampling, ignoreEos: true, maxTokens: undefined }
  const prefill = { ...params, stream: true, kvTransfer: { doRemoteDecode: true } }
  expect(() => checkParams({ ...both, n: 0 }, prefill)).toThrow('n must be at least 1')
  expect(() => checkParams(both, prefill)).toThrow('Prefill does not support streaming')
  expect(() => checkParams(both, { ...params, cacheSalt: '' })).toThrow('Ignore_eos is true')
  expect(() => checkParams(sampling, { ...params, cacheSalt: '' })).toThrow('cache_salt must be a non-empty string')
})
