import { type KvTransfer, RequestError } from '@vllm-sim/core-engine'
import { type RequestParams, type SamplingParams, type UsageOptions, usageOptions } from '@vllm-sim/serving'
import type { ApiContext } from '../context.ts'
import { arrayOf, boolean, integer, number, object, string } from '../schema/types.ts'
import type { JsonSchema } from '../schema/validator.ts'

/** Members that chat, text completion and (inside `sampling_params`) generate have in common. */
export interface SamplingWire {
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

/** Members of every generation request. */
export interface SharedWire {
  readonly model?: string | null
  readonly request_id?: unknown
  readonly stream?: boolean | null
  readonly stream_options?: {
    readonly include_usage?: boolean | null
    readonly continuous_usage_stats?: boolean | null
  } | null
  readonly kv_transfer_params?: KvTransferWire | null
  readonly cache_hit_threshold?: number | null
  readonly cache_salt?: string | null
  readonly priority?: number | null
}

/** `kv_transfer_params` of a request. Only the two switches are read here; a connector reads the rest. */
export interface KvTransferWire {
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
  priority: integer,
}

/**
 * The sampling parameters of a request.
 * @param maxTokens the limit that is in force: dialects have several members for it
 */
export function samplingParams(wire: SamplingWire, maxTokens: number | null | undefined): SamplingParams {
  const { stop, stop_token_ids: ids, seed } = wire
  return {
    n: wire.n ?? 1,
    maxTokens: maxTokens ?? undefined,
    minTokens: wire.min_tokens ?? undefined,
    ignoreEos: wire.ignore_eos ?? undefined,
    stop: typeof stop === 'string' ? [stop] : stop?.length ? stop : undefined,
    stopTokenIds: ids?.length ? ids : undefined,
    includeStop: wire.include_stop_str_in_output ?? undefined,
    // vLLM: -1 means no seed.
    seed: seed === -1 ? undefined : (seed ?? undefined),
    temperature: wire.temperature ?? undefined,
    topP: wire.top_p ?? undefined,
    topK: wire.top_k ?? undefined,
    minP: wire.min_p ?? undefined,
    presencePenalty: wire.presence_penalty ?? undefined,
    frequencyPenalty: wire.frequency_penalty ?? undefined,
    repetitionPenalty: wire.repetition_penalty ?? undefined,
  }
}

/** What a request says beside its prompt and its sampling parameters. */
export function requestParams(wire: SharedWire): RequestParams {
  return {
    stream: wire.stream ?? false,
    kvTransfer: wire.kv_transfer_params ? kvTransfer(wire.kv_transfer_params) : undefined,
    priority: wire.priority ?? undefined,
    cacheSalt: wire.cache_salt ?? undefined,
    cacheHitThreshold: wire.cache_hit_threshold ?? undefined,
  }
}

function kvTransfer(wire: KvTransferWire): KvTransfer {
  const { do_remote_decode: doRemoteDecode, do_remote_prefill: doRemotePrefill } = wire
  return { doRemoteDecode: doRemoteDecode ?? false, doRemotePrefill: doRemotePrefill ?? false, params: wire }
}

/** Which chunks of a request's stream carry usage. */
export function usageWanted({ stream_options: options }: SharedWire, context: ApiContext): UsageOptions {
  return usageOptions(options?.include_usage ?? false, options?.continuous_usage_stats ?? false, context)
}

/** Messages, or items, of a request and the parts of their content together: each costs microseconds. */
const mostItems = 16_384

/**
 * @param list as it was sent; anything but an array has none
 * @param contents what of an entry may be a list of parts
 * @throws RequestError 400 when there are too many
 */
export function checkItems(list: unknown, member: string, contents: (entry: unknown) => readonly unknown[]): void {
  if (!Array.isArray(list)) return
  let count = list.length
  if (count <= mostItems) {
    for (const entry of list) for (const parts of contents(entry)) if (Array.isArray(parts)) count += parts.length
  }
  if (count <= mostItems) return
  const text = `${member} can have at most ${mostItems} entries and content parts, got ${count}.`
  throw new RequestError(400, text, member)
}
