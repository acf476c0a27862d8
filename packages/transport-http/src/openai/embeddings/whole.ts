import { embeddingVector } from '@vllm-sim/serving'
import type { EmbeddingPlan } from './plan.ts'
import { floatBytes, floatJson } from './vector.ts'

/**
 * The answer as JSON, a vector at a time: a whole one may be a hundred times as large as its request.
 * @param id the bare request id
 * @param created Unix time, seconds
 */
export function* embeddingJson(plan: EmbeddingPlan, id: string, created: number): Generator<string> {
  const { inputs, dimensions, model, format } = plan
  yield `{"id":${JSON.stringify(`embd-${id}`)},"object":"list","created":${created},"model":${JSON.stringify(model)},"data":[`
  for (const [index, ids] of inputs.entries()) {
    const vector = embeddingVector(ids, dimensions)
    const embedding =
      format === 'base64' ? `"${floatBytes(vector, dimensions).toString('base64')}"` : floatJson(vector, dimensions)
    yield `${index > 0 ? ',' : ''}{"object":"embedding","index":${index},"embedding":${embedding}}`
  }
  yield `],"usage":${usage(plan)}}`
}

/** The values alone, a vector at a time. */
export function* embeddingBytes({ inputs, dimensions }: EmbeddingPlan): Generator<Buffer> {
  for (const ids of inputs) yield floatBytes(embeddingVector(ids, dimensions), dimensions)
}

/** vLLM's header that says what the bytes of `encoding_format: bytes` are. */
export function embeddingMetadata(plan: EmbeddingPlan, id: string, created: number): { metadata: string } {
  const { inputs, dimensions, model } = plan
  const size = dimensions * 4
  const data = inputs.map((_, index) => ({
    index,
    embed_dtype: 'float32',
    endianness: 'little',
    start: index * size,
    end: (index + 1) * size,
    shape: [dimensions],
  }))
  const value = JSON.stringify({ id: `embd-${id}`, created, model, data, usage: JSON.parse(usage(plan)) })
  // A header has no other characters.
  return {
    metadata: value.replaceAll(/[^\x20-\x7e]/g, char => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`),
  }
}

function usage({ tokens }: EmbeddingPlan): string {
  return `{"prompt_tokens":${tokens},"total_tokens":${tokens}}`
}
