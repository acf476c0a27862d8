import { embeddingSteps, embeddingValue } from '@vllm-sim/serving'

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
  decimals ??= Array.from({ length: embeddingSteps }, (_, step) => shortest(embeddingValue(step)))
  let text = decimals[vector[0]!]!
  for (let i = 1; i < dimensions; i++) text += `,${decimals[vector[i]!]}`
  return `[${text}]`
}

/** A vector as 32-bit floats, little-endian. */
export function floatBytes(vector: Uint16Array | undefined, dimensions: number): Buffer {
  const bytes = Buffer.alloc(dimensions * 4)
  if (vector) for (let i = 0; i < dimensions; i++) bytes.writeFloatLE(embeddingValue(vector[i]!), i * 4)
  return bytes
}
