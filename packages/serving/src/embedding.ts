/** A vector's values are these multiples: -1 + k / 512, for k from 0 on. */
export const embeddingSteps = 1024

/**
 * The vector of a text, as steps: value `i` is `embeddingValue(steps[i])`. Where there is a token for a dimension, its id
 * modulo 1024 counts; the rest repeats the tokens modulo 256, in steps four times as wide. Equal to the reference's.
 * @returns undefined for no tokens, whose vector is all zeros
 */
export function embeddingVector(ids: ArrayLike<number>, dimensions: number): Uint16Array | undefined {
  const count = ids.length
  if (count === 0) return undefined
  const vector = new Uint16Array(dimensions)
  for (let i = 0; i < dimensions; i++) vector[i] = i < count ? ids[i]! % embeddingSteps : (ids[i % count]! % 256) * 4
  return vector
}

/** The number that a step stands for, -1 to below 1. */
export function embeddingValue(step: number): number {
  return step / 512 - 1
}
