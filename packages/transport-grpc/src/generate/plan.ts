import { RequestError } from '@vllm-sim/core-engine'
import {
  andThen,
  type Call,
  checkParams,
  type EncodedPrompt,
  idsPrompt,
  type KeepOptions,
  logprobCount,
  type PlannedRequest,
  plannedRequest,
  promptLogprobCount,
  type RequestParams,
  type SamplingParams,
  textPrompt,
} from '@vllm-sim/serving'
import type { GrpcContext } from '../context.ts'
import type { GenerateRequest, SamplingParams as WireSampling } from '../gen/vllm/grpc/engine/engine_pb.ts'
import { constrainedAnswer } from './constraint.ts'
import { kvTransferOf } from './kv-transfer.ts'
import { promptFeatures } from './multimodal.ts'

/** A request as it will be generated and shown. */
export interface GeneratePlan {
  readonly request: PlannedRequest
  readonly stream: boolean
  /** Candidates per generated token, and per prompt token; undefined: no logprobs. */
  readonly logprobs: number | undefined
  readonly promptLogprobs: number | undefined
}

/** @throws RequestError for what cannot be served */
export function planGenerate(
  wire: GenerateRequest,
  call: Call,
  context: GrpcContext,
): GeneratePlan | Promise<GeneratePlan> {
  checkRank(wire.dataParallelRank, context)
  const sampling = samplingOf(wire.samplingParams)
  const params: RequestParams = {
    stream: wire.stream,
    kvTransfer: kvTransferOf(wire),
    priority: undefined,
    cacheSalt: undefined,
    cacheHitThreshold: undefined,
  }
  checkParams(sampling, params)
  const { logprobs, promptLogprobs, truncatePromptTokens: truncate } = wire.samplingParams ?? {}
  const shown = {
    logprobs: logprobs === undefined ? undefined : logprobCount(logprobs, 'sample', 'logprobs', context),
    promptLogprobs: promptLogprobCount(promptLogprobs, context),
  }
  const features = promptFeatures(wire)
  const answer = constrainedAnswer(wire.samplingParams, context)
  const keep = { candidates: promptLogprobs }
  return andThen(promptOf(wire, call, context, keep), encoded => {
    const prompt = truncated(encoded, truncate, context)
    const request = plannedRequest(
      call,
      sampling,
      params,
      [features ? { ...prompt, features } : prompt],
      answer,
      undefined,
    )
    return { request, stream: wire.stream, ...shown }
  })
}

function checkRank(wanted: number | undefined, { rank, ranks, portOf }: GrpcContext): void {
  if (wanted === undefined || wanted === rank) return
  if (wanted >= 0 && wanted < ranks) {
    throw new RequestError(
      400,
      `data_parallel_rank ${wanted} is served on port ${portOf(wanted)}; this is rank ${rank}`,
    )
  }
  throw new RequestError(400, `data_parallel_rank must be in [0, ${ranks - 1}], got ${wanted}`)
}

/** Zeros and empty lists are what a client that says nothing sends. */
function samplingOf(wire: WireSampling | undefined): SamplingParams {
  return {
    n: wire?.n || 1,
    maxTokens: wire?.maxTokens,
    minTokens: wire?.minTokens || undefined,
    ignoreEos: wire?.ignoreEos || undefined,
    stop: wire?.stop.length ? wire.stop : undefined,
    stopTokenIds: wire?.stopTokenIds.length ? wire.stopTokenIds : undefined,
    includeStop: wire?.includeStopStrInOutput || undefined,
    // vLLM: -1 means no seed.
    seed: wire?.seed === -1 ? undefined : wire?.seed,
    temperature: wire?.temperature,
    topP: wire?.topP || undefined,
    topK: wire?.topK || undefined,
    minP: wire?.minP || undefined,
    presencePenalty: wire?.presencePenalty || undefined,
    frequencyPenalty: wire?.frequencyPenalty || undefined,
    repetitionPenalty: wire?.repetitionPenalty || undefined,
  }
}

function promptOf(
  { input }: GenerateRequest,
  call: Call,
  context: GrpcContext,
  keep: KeepOptions,
): EncodedPrompt | Promise<EncodedPrompt> {
  if (input.case === 'tokenized') return idsPrompt(input.value.inputIds, context, keep)
  // An input that is not set is an empty text, as in vLLM and the reference.
  return textPrompt(input.value ?? '', true, context, keep, call)
}

/** The last tokens of a prompt. @throws RequestError 400 for a number that is none */
function truncated(prompt: EncodedPrompt, most: number | undefined, { engine }: GrpcContext): EncodedPrompt {
  if (most === undefined) return prompt
  if (most < -1 || most === 0) {
    throw new RequestError(400, `truncate_prompt_tokens must be -1 or at least 1, got ${most}.`)
  }
  const kept = most === -1 ? engine.maxModelLen : most
  if (prompt.tokenIds.length <= kept) return prompt
  return {
    ...prompt,
    tokenIds: Array.prototype.slice.call(prompt.tokenIds, -kept),
    ...(prompt.tokens ? { tokens: prompt.tokens.slice(-kept) } : undefined),
    ...(prompt.echo ? { echo: prompt.echo.slice(-kept) } : undefined),
  }
}
