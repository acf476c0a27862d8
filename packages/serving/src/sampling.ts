import { type KvTransfer, type Limits, RequestError } from '@vllm-sim/core-engine'
import type { Complete } from './complete.ts'

/**
 * vLLM's SamplingParams as far as a simulator has a use for them: what an answer's length and stops are (these it has from
 * `Limits`), how many answers there are, and values that are only checked. Undefined is what the request leaves open.
 */
export interface SamplingParams extends Complete<Limits> {
  /** Answers per prompt. */
  readonly n: number
  /** Replaces the server's seed. */
  readonly seed: number | undefined
  readonly temperature: number | undefined
  readonly topP: number | undefined
  readonly topK: number | undefined
  readonly minP: number | undefined
  readonly presencePenalty: number | undefined
  readonly frequencyPenalty: number | undefined
  readonly repetitionPenalty: number | undefined
}

/** What a request says beside its prompt and its sampling parameters. */
export interface RequestParams {
  readonly stream: boolean
  readonly kvTransfer: KvTransfer | undefined
  /** Smaller is more urgent. */
  readonly priority: number | undefined
  /** Separates its KV blocks from others'. */
  readonly cacheSalt: string | undefined
  /** Share of cached prompt tokens, 0 to 1, below which the answer is empty. */
  readonly cacheHitThreshold: number | undefined
}

/** Limits of vLLM (`VLLM_MAX_N_SEQUENCES`), and a bound of our own against requests that only cost. */
const maxChoices = 16_384
const maxStopStrings = 1024
const maxStopIds = 131_072

/**
 * The checks that every generation request goes through after its model was found: the reference's, in its order and with
 * its texts, then vLLM's ranges. The values of the latter have no effect on simulated text.
 * @throws RequestError 400
 */
export function checkParams(sampling: SamplingParams, request: RequestParams): void {
  const { n, maxTokens, minTokens = 0 } = sampling
  if (n < 1) throw new RequestError(400, 'n must be at least 1')
  if (n > maxChoices) throw new RequestError(400, `n must be at most ${maxChoices}, got ${n}.`, 'n')
  if (maxTokens !== undefined && maxTokens <= 0) {
    throw new RequestError(400, 'Max completion tokens and max tokens should be positive')
  }
  if (request.stream && request.kvTransfer?.doRemoteDecode) {
    throw new RequestError(400, 'Prefill does not support streaming')
  }
  if (sampling.ignoreEos && maxTokens === undefined) {
    throw new RequestError(400, 'Ignore_eos is true but max_completion_tokens (or max_tokens) is not set')
  }
  checkRanges(sampling)
  if (maxTokens !== undefined && minTokens > maxTokens) {
    const rule = `min_tokens must be less than or equal to max_tokens=${maxTokens}, got ${minTokens}.`
    throw new RequestError(400, rule, 'min_tokens')
  }
  if (sampling.stop) checkStops(sampling.stop)
  const stopIds = sampling.stopTokenIds?.length ?? 0
  if (stopIds > maxStopIds) {
    throw new RequestError(400, `stop_token_ids can have at most ${maxStopIds} ids, got ${stopIds}.`, 'stop_token_ids')
  }
  if (request.cacheSalt === '') throw new RequestError(400, 'cache_salt must be a non-empty string', 'cache_salt')
}

function checkRanges(sampling: SamplingParams): void {
  const { presencePenalty, frequencyPenalty, repetitionPenalty, temperature, topP, topK, minP, minTokens } = sampling
  within('presence_penalty', presencePenalty, -2, 2)
  within('frequency_penalty', frequencyPenalty, -2, 2)
  if (repetitionPenalty !== undefined && !(repetitionPenalty > 0)) {
    throw outOfRange('repetition_penalty', 'must be greater than zero', repetitionPenalty)
  }
  if (temperature !== undefined && !(temperature >= 0)) {
    throw outOfRange('temperature', 'must be non-negative', temperature)
  }
  within('temperature', temperature, 0, 2)
  if (topP !== undefined && !(topP > 0 && topP <= 1)) throw outOfRange('top_p', 'must be in (0, 1]', topP)
  if (topK !== undefined && !(topK >= -1)) throw outOfRange('top_k', 'must be 0 (disable), or at least 1', topK)
  within('min_p', minP, 0, 1)
  if (minTokens !== undefined && !(minTokens >= 0)) {
    throw outOfRange('min_tokens', 'must be greater than or equal to 0', minTokens)
  }
}

function within(member: string, value: number | undefined, min: number, max: number): void {
  if (value !== undefined && !(value >= min && value <= max)) {
    throw outOfRange(member, `must be in [${min}, ${max}]`, value)
  }
}

function outOfRange(member: string, rule: string, value: number): RequestError {
  return new RequestError(400, `${member} ${rule}, got ${value}.`, member)
}

function checkStops(stops: readonly string[]): void {
  if (stops.includes('')) throw new RequestError(400, 'stop cannot contain an empty string.', 'stop')
  if (stops.length > maxStopStrings) {
    throw new RequestError(400, `stop can have at most ${maxStopStrings} strings, got ${stops.length}.`, 'stop')
  }
}
