import { RequestError } from '@vllm-sim/core-engine'
import type { ApiContext } from '../context.ts'
import { logprobCount, promptLogprobCount } from '../generation/logprobs.ts'
import {
  checkSampling,
  type KvTransferParams,
  type SamplingBody,
  type SharedBody,
  samplingProperties,
  sharedProperties,
} from '../generation/sampling.ts'
import { anyObject, arrayOf, boolean, integer, object, string } from '../schema/types.ts'
import { type JsonSchema, validator } from '../schema/validator.ts'

/** `sampling_params` of a generate request: vLLM's SamplingParams as far as they matter here. */
export interface GenerateSampling extends SamplingBody {
  /** Candidates per token; 0 shows only the chosen one, -1 all. */
  readonly logprobs?: number | null
  readonly prompt_logprobs?: number | null
  readonly extra_args?: { readonly kv_transfer_params?: KvTransferParams | null } | null
}

/** Hashes and places of a prompt's images, audio and video, as the render endpoints give them. */
export interface WireFeatures {
  readonly mm_hashes?: Readonly<Record<string, readonly string[] | null>> | null
  readonly mm_placeholders?: Readonly<
    Record<string, readonly { readonly offset: number; readonly length: number }[] | null>
  > | null
}

/** The body of `POST /inference/v1/generate`, with `kv_transfer_params` and `ignore_eos` where they are in force. */
export interface GenerateBody extends SharedBody {
  readonly token_ids?: readonly number[] | null
  readonly sampling_params?: GenerateSampling | null
  readonly features?: WireFeatures | null
  readonly ignore_eos?: boolean | null
}

const maxTokenId = 0xffff_ffff
const nullable = (schema: JsonSchema): JsonSchema => ({ ...schema, nullable: true })
const mapOf = (values: JsonSchema): JsonSchema => nullable({ type: 'object', additionalProperties: values })
const position: JsonSchema = { type: 'integer', minimum: 0, maximum: maxTokenId }

const read = validator<GenerateBody>(
  object({
    ...sharedProperties,
    // Only chat and text completion know a threshold of their own; what generate is sent is not looked at.
    cache_hit_threshold: {},
    request_id: string,
    token_ids: arrayOf({ type: 'integer', minimum: 0, maximum: maxTokenId }),
    sampling_params: nullable(
      object({
        ...samplingProperties,
        logprobs: integer,
        prompt_logprobs: integer,
        extra_args: nullable(object({ kv_transfer_params: sharedProperties['kv_transfer_params']! })),
      }),
    ),
    features: nullable(
      object({
        mm_hashes: mapOf(arrayOf({ type: 'string' })),
        mm_placeholders: mapOf(arrayOf(object({ offset: position, length: position }, ['offset', 'length']))),
        kwargs_data: anyObject,
      }),
    ),
    ignore_eos: boolean,
    priority: integer,
    ec_transfer_params: anyObject,
  }),
)

/** @throws RequestError 400 naming the member that is wrong */
export function parseGenerate(json: unknown): GenerateBody {
  const body = read(json)
  const sampling = body.sampling_params
  return {
    ...body,
    kv_transfer_params: body.kv_transfer_params ?? sampling?.extra_args?.kv_transfer_params ?? null,
    sampling_params: sampling ? { ...sampling, ignore_eos: sampling.ignore_eos ?? body.ignore_eos ?? null } : null,
  }
}

/** @throws RequestError 400 */
export function validateGenerate(body: GenerateBody, context: ApiContext): void {
  const { sampling_params: sampling } = body
  if (!body.token_ids) throw new RequestError(400, 'Missing input token_ids')
  if (!sampling) throw new RequestError(400, 'Missing sampling_params field')
  checkSampling(sampling, body, sampling.max_tokens ?? undefined)
  for (const member of ['logprobs', 'prompt_logprobs'] as const) {
    const value = sampling[member]
    if (typeof value === 'number' && value < -1) {
      throw new RequestError(400, `${member} must be non-negative or -1, got ${value}.`, member)
    }
  }
  shownLogprobs(body, context)
  shownPromptLogprobs(body, context)
}

/** Candidates to be shown per token; undefined: no logprobs. @throws RequestError 400 when they are too many */
export function shownLogprobs({ sampling_params: sampling }: GenerateBody, context: ApiContext): number | undefined {
  const count = sampling?.logprobs
  return typeof count === 'number' ? logprobCount(count, 'sample', 'logprobs', context) : undefined
}

/** Candidates to be shown per prompt token; undefined: none. @throws RequestError 400 when they are too many */
export function shownPromptLogprobs(
  { sampling_params: sampling }: GenerateBody,
  context: ApiContext,
): number | undefined {
  return promptLogprobCount(sampling?.prompt_logprobs, context)
}
