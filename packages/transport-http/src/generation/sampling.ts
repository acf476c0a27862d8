import { type Limits, RequestError } from '@vllm-sim/core-engine'
import { arrayOf, boolean, integer, number, object, string } from '../schema/types.ts'
import type { JsonSchema } from '../schema/validator.ts'
import type { Complete } from './complete.ts'
import type { Lowered } from './endpoint.ts'
import type { Mutable } from './mutable.ts'

/** Members of a request that chat, text completion and (inside `sampling_params`) generate have in common. */
export interface SamplingBody {
  readonly n?: number | null
  readonly max_tokens?: number | null
  readonly min_tokens?: number | null
  readonly ignore_eos?: boolean | null
  readonly stop?: string | readonly string[] | null
  readonly stop_token_ids?: readonly number[] | null
  readonly include_stop_str_in_output?: boolean | null
  readonly seed?: number | null
  readonly temperature?: number | null
  readonly top_p?: number | null
  readonly top_k?: number | null
  readonly min_p?: number | null
  readonly presence_penalty?: number | null
  readonly frequency_penalty?: number | null
  readonly repetition_penalty?: number | null
}

export const samplingProperties: Record<string, JsonSchema> = {
  n: integer,
  max_tokens: integer,
  min_tokens: integer,
  ignore_eos: boolean,
  stop: { type: ['string', 'array', 'null'], items: { type: 'string' } },
  stop_token_ids: arrayOf({ type: 'integer' }),
  include_stop_str_in_output: boolean,
  seed: integer,
  temperature: number,
  top_p: number,
  top_k: integer,
  min_p: number,
  presence_penalty: number,
  frequency_penalty: number,
  repetition_penalty: number,
}

/** Members that every generation endpoint reads. */
export interface SharedBody {
  readonly model?: string | null
  readonly stream?: boolean | null
  readonly stream_options?: {
    readonly include_usage?: boolean | null
    readonly continuous_usage_stats?: boolean | null
  } | null
  readonly kv_transfer_params?: KvTransferParams | null
  readonly cache_hit_threshold?: number | null
  readonly cache_salt?: string | null
}

/** `kv_transfer_params` of a request. Only the two switches and the constants of the answer matter here. */
export interface KvTransferParams {
  readonly do_remote_decode?: boolean | null
  readonly do_remote_prefill?: boolean | null
  readonly [key: string]: unknown
}

export const sharedProperties: Record<string, JsonSchema> = {
  model: string,
  request_id: {},
  stream: boolean,
  stream_options: { ...object({ include_usage: boolean, continuous_usage_stats: boolean }), nullable: true },
  kv_transfer_params: { ...object({ do_remote_decode: boolean, do_remote_prefill: boolean }), nullable: true },
  cache_hit_threshold: number,
  cache_salt: string,
}

/** Limits of vLLM (`VLLM_MAX_N_SEQUENCES`, and bounds of our own against requests that only cost). */
const maxChoices = 16_384
const maxStopStrings = 1024

interface Range {
  readonly member: keyof SamplingBody
  readonly ok: (value: number) => boolean
  readonly rule: string
}

/** What vLLM refuses, with its texts. The values have no effect on simulated text. */
const ranges: readonly Range[] = [
  { member: 'presence_penalty', ok: v => v >= -2 && v <= 2, rule: 'must be in [-2, 2]' },
  { member: 'frequency_penalty', ok: v => v >= -2 && v <= 2, rule: 'must be in [-2, 2]' },
  { member: 'repetition_penalty', ok: v => v > 0, rule: 'must be greater than zero' },
  { member: 'temperature', ok: v => v >= 0, rule: 'must be non-negative' },
  { member: 'temperature', ok: v => v <= 2, rule: 'must be in [0, 2]' },
  { member: 'top_p', ok: v => v > 0 && v <= 1, rule: 'must be in (0, 1]' },
  { member: 'top_k', ok: v => v >= -1, rule: 'must be 0 (disable), or at least 1' },
  { member: 'min_p', ok: v => v >= 0 && v <= 1, rule: 'must be in [0, 1]' },
  { member: 'min_tokens', ok: v => v >= 0, rule: 'must be greater than or equal to 0' },
]

/**
 * The checks that all endpoints make after the model was found, in the reference's order, then vLLM's ranges.
 * @param maxTokens the limit that is in force, undefined without one
 * @throws RequestError 400
 */
export function checkSampling(body: SamplingBody, shared: SharedBody, maxTokens: number | undefined): void {
  const n = body.n ?? 1
  if (n < 1) throw new RequestError(400, 'n must be at least 1')
  if (n > maxChoices) throw new RequestError(400, `n must be at most ${maxChoices}, got ${n}.`, 'n')
  if (maxTokens !== undefined && maxTokens <= 0) {
    throw new RequestError(400, 'Max completion tokens and max tokens should be positive')
  }
  if (shared.stream && shared.kv_transfer_params?.do_remote_decode) {
    throw new RequestError(400, 'Prefill does not support streaming')
  }
  if (body.ignore_eos && maxTokens === undefined) {
    throw new RequestError(400, 'Ignore_eos is true but max_completion_tokens (or max_tokens) is not set')
  }
  for (const { member, ok, rule } of ranges) {
    const value = body[member]
    if (typeof value === 'number' && !ok(value)) throw new RequestError(400, `${member} ${rule}, got ${value}.`, member)
  }
  if (maxTokens !== undefined && (body.min_tokens ?? 0) > maxTokens) {
    throw new RequestError(
      400,
      `min_tokens must be less than or equal to max_tokens=${maxTokens}, got ${body.min_tokens}.`,
      'min_tokens',
    )
  }
  const stops = stopStrings(body)
  if (stops.includes('')) throw new RequestError(400, 'stop cannot contain an empty string.', 'stop')
  if (stops.length > maxStopStrings) {
    throw new RequestError(400, `stop can have at most ${maxStopStrings} strings, got ${stops.length}.`, 'stop')
  }
  if (shared.cache_salt === '') throw new RequestError(400, 'cache_salt must be a non-empty string', 'cache_salt')
}

function stopStrings(body: SamplingBody): readonly string[] {
  const { stop } = body
  if (stop === undefined || stop === null) return []
  return typeof stop === 'string' ? [stop] : stop
}

/** When the answer ends, in the engine's terms. @param maxTokens the limit that is in force */
export function limitsOf(body: SamplingBody, maxTokens: number | undefined): Complete<Limits> {
  const stop = stopStrings(body)
  return {
    maxTokens,
    minTokens: body.min_tokens || undefined,
    ignoreEos: body.ignore_eos || undefined,
    stop: stop.length > 0 ? stop : undefined,
    stopTokenIds: body.stop_token_ids?.length ? body.stop_token_ids : undefined,
    includeStop: body.include_stop_str_in_output || undefined,
  }
}

type SharedLowering = Pick<Lowered, 'seed' | 'kvTransfer' | 'cacheSalt' | 'cacheHitThreshold'>

/** The parts of a lowered request that come from shared members. */
export function sharedLowering(body: SamplingBody, shared: SharedBody): SharedLowering {
  const lowered: Mutable<SharedLowering> = {}
  // vLLM: -1 means no seed.
  if (typeof body.seed === 'number' && body.seed !== -1) lowered.seed = body.seed
  const transfer = shared.kv_transfer_params
  if (transfer) {
    lowered.kvTransfer = {
      doRemoteDecode: transfer.do_remote_decode ?? false,
      doRemotePrefill: transfer.do_remote_prefill ?? false,
    }
  }
  if (shared.cache_salt) lowered.cacheSalt = shared.cache_salt
  if (typeof shared.cache_hit_threshold === 'number') lowered.cacheHitThreshold = shared.cache_hit_threshold
  return lowered
}
