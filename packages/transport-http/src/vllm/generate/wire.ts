import {
  type KvTransferWire,
  type SamplingWire,
  type SharedWire,
  samplingProperties,
  sharedProperties,
} from '../../generation/wire.ts'
import { anyObject, arrayOf, boolean, integer, object, string } from '../../schema/types.ts'
import { type JsonSchema, validator } from '../../schema/validator.ts'

/** `sampling_params` of a generate request: vLLM's SamplingParams as far as they matter here. */
export interface GenerateSampling extends Omit<SamplingWire, 'ignore_eos'> {
  ignore_eos?: boolean | null
  /** Candidates per token; 0 shows only the chosen one, -1 all. */
  readonly logprobs?: number | null
  readonly prompt_logprobs?: number | null
  readonly extra_args?: { readonly kv_transfer_params?: KvTransferWire | null } | null
}

/** Hashes and places of a prompt's images, audio and video, as the render endpoints give them. */
export interface WireFeatures {
  readonly mm_hashes?: Readonly<Record<string, readonly string[] | null>> | null
  readonly mm_placeholders?: Readonly<
    Record<string, readonly { readonly offset: number; readonly length: number }[] | null>
  > | null
}

/** A request to `POST /inference/v1/generate`, with `kv_transfer_params` and `ignore_eos` where they are in force. */
export interface GenerateWire extends SharedWire {
  readonly token_ids?: readonly number[] | null
  readonly sampling_params?: GenerateSampling | null
  readonly features?: WireFeatures | null
}

type Decoded = Omit<GenerateWire, 'kv_transfer_params' | 'cache_hit_threshold'> & {
  kv_transfer_params?: KvTransferWire | null
  cache_hit_threshold?: null
  readonly ignore_eos?: boolean | null
}

const maxTokenId = 0xffff_ffff
const nullable = (schema: JsonSchema): JsonSchema => ({ ...schema, nullable: true })
const mapOf = (values: JsonSchema): JsonSchema => nullable({ type: 'object', additionalProperties: values })
const position: JsonSchema = { type: 'integer', minimum: 0, maximum: maxTokenId }

const read = validator<Decoded>(
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
export function decodeGenerate(json: unknown): GenerateWire {
  const wire = read(json)
  const { sampling_params: sampling } = wire
  wire.kv_transfer_params ??= sampling?.extra_args?.kv_transfer_params ?? null
  if (sampling) sampling.ignore_eos ??= wire.ignore_eos ?? null
  wire.cache_hit_threshold = null
  return wire
}
