import type { Answer } from './source.ts'
import type { StoredAnswer } from './stored.ts'

/**
 * Brings a stored answer to the length that was asked for: cut where it is longer; with `ignoreEos` and where it is shorter,
 * `pad` says how much is missing. The stored answer is not changed.
 */
export function fitAnswer(stored: StoredAnswer, maxTokens: number, ignoreEos: boolean): Answer {
  const ids = stored.ids.slice(0, maxTokens)
  const pieces = stored.pieces.slice(0, maxTokens)
  const missing = maxTokens - ids.length
  if (missing === 0) return { ids, pieces, finish: 'length' }
  return ignoreEos ? { ids, pieces, finish: 'length', pad: missing } : { ids, pieces, finish: 'stop' }
}
