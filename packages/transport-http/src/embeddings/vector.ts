/** A vector's values are these multiples: -1 + k / 512, for k from 0 on. */
const steps = 1024

/**
 * The vector of a text, as steps: value `i` is `steps[i] / 512 - 1` (http-api.md 16). Where there is a token for a
 * dimension, its id modulo 1024 counts; the rest repeats the tokens modulo 256, in steps four times as wide.
 * @returns undefined for no tokens, whose vector is all zeros
 */
export function vectorSteps(ids: ArrayLike<number>, dimensions: number): Uint16Array | undefined {
  const count = ids.length
  if (count === 0) return undefined
  const vector = new Uint16Array(dimensions)
  for (let i = 0; i < dimensions; i++) vector[i] = i < count ? ids[i]! % steps : (ids[i % count]! % 256) * 4
  return vector
}

const valueOfStep = (step: number): number => step / 512 - 1

/** Decimals of all values; made at the first use. */
let decimals: string[] | undefined

/** The shortest decimal that identifies a 32-bit float. */
function shortest(value: number): string {
  for (let digits = 1; ; digits++) {
    const decimal = Number(value.toPrecision(digits))
    if (Math.fround(decimal) === value) return String(decimal)
  }
}

/** A vector as a JSON array. */
export function floatJson(vector: Uint16Array | undefined, dimensions: number): string {
  if (!vector) return `[${'0,'.repeat(dimensions - 1)}0]`
  decimals ??= Array.from({ length: steps }, (_, step) => shortest(valueOfStep(step)))
  let text = decimals[vector[0]!]!
  for (let i = 1; i < dimensions; i++) text += `,${decimals[vector[i]!]}`
  return `[${text}]`
}

/** A vector as 32-bit floats, little-endian. */
export function floatBytes(vector: Uint16Array | undefined, dimensions: number): Buffer {
  const bytes = Buffer.alloc(dimensions * 4)
  if (vector) for (let i = 0; i < dimensions; i++) bytes.writeFloatLE(valueOfStep(vector[i]!), i * 4)
  return bytes
}
