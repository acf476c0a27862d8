import { RequestError } from '@vllm-sim/core-engine'

/** One text, or one list of token ids, to be embedded. */
export type EmbeddingInput = string | readonly number[]

/**
 * `input` as a list.
 * @throws RequestError 400 when it is something else than text, ids, or a list of one of these
 */
export function inputsOf(input: unknown): readonly EmbeddingInput[] {
  const list = Array.isArray(input) ? readList(input) : typeof input === 'string' ? [input] : undefined
  if (!list?.length) throw new RequestError(400, 'input is required and must be a non-empty string or array')
  if (list.includes('')) throw new RequestError(400, 'input cannot be an empty string')
  return list
}

function readList(input: readonly unknown[]): readonly EmbeddingInput[] | undefined {
  if (input.every(item => typeof item === 'string')) return input
  if (isNumbers(input)) return [input.map(toTokenId)]
  if (input.every(isNumbers)) return input.map(item => item.map(toTokenId))
  return undefined
}

function isNumbers(value: unknown): value is readonly number[] {
  return Array.isArray(value) && value.every(item => typeof item === 'number')
}

/** Fractions are cut, negatives become 0, as in the reference; what is too large becomes the largest id. */
function toTokenId(value: number): number {
  return Math.trunc(Math.min(Math.max(value, 0), 0xffff_ffff))
}
