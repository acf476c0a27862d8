import { type PromptFeatures, RequestError } from '@vllm-sim/core-engine'
import {
  checkParams,
  idsPrompt,
  logprobCount,
  plannedRequest,
  promptLogprobCount,
  type UsageOptions,
} from '@vllm-sim/serving'
import type { HttpCall, Plan } from '../../generation/endpoint.ts'
import { requestParams, samplingParams, usageWanted } from '../../generation/wire.ts'
import type { GenerateSampling, GenerateWire, WireFeatures } from './wire.ts'

/** A generate request as it will be generated and shown. */
export interface GeneratePlan extends Plan {
  readonly usage: UsageOptions
  /** Candidates to be shown per token; undefined: no logprobs. */
  readonly logprobs: number | undefined
  /** The same per prompt token. */
  readonly promptLogprobs: number | undefined
}

/** @throws RequestError */
export function planGenerate(wire: GenerateWire, call: HttpCall): GeneratePlan {
  const { context } = call
  const { token_ids: ids, sampling_params: wireSampling } = wire
  if (!ids) throw new RequestError(400, 'Missing input token_ids')
  if (!wireSampling) throw new RequestError(400, 'Missing sampling_params field')
  const sampling = samplingParams(wireSampling, wireSampling.max_tokens)
  const params = requestParams(wire)
  checkParams(sampling, params)
  const { logprobs, promptLogprobs } = shownLogprobs(wireSampling, call)
  call.accept()

  const features = promptFeatures(wire.features)
  // Of a prompt that the engine will refuse nothing is made.
  const fits = ids.length <= context.engine.maxModelLen
  const prompt = idsPrompt(ids, context, { candidates: fits ? promptLogprobs : undefined })
  const prompts = [features ? { ...prompt, features } : prompt]
  return {
    context,
    request: plannedRequest(call, sampling, params, prompts, undefined, undefined),
    stream: params.stream,
    usage: usageWanted(wire, context),
    logprobs,
    promptLogprobs,
  }
}

/** @throws RequestError 400 when there are too many */
function shownLogprobs(
  sampling: GenerateSampling,
  { context }: HttpCall,
): Pick<GeneratePlan, 'logprobs' | 'promptLogprobs'> {
  for (const member of ['logprobs', 'prompt_logprobs'] as const) {
    const value = sampling[member]
    if (typeof value === 'number' && value < -1) {
      throw new RequestError(400, `${member} must be non-negative or -1, got ${value}.`, member)
    }
  }
  const { logprobs, prompt_logprobs: prompt } = sampling
  return {
    logprobs: typeof logprobs === 'number' ? logprobCount(logprobs, 'sample', 'logprobs', context) : undefined,
    promptLogprobs: promptLogprobCount(prompt, context),
  }
}

/** Wire features in the engine's terms; undefined when there is no hash. */
function promptFeatures(features: WireFeatures | null | undefined): PromptFeatures | undefined {
  const mmHashes = present(features?.mm_hashes)
  if (Object.keys(mmHashes).length === 0) return undefined
  return { mmHashes, mmPlaceholders: present(features?.mm_placeholders) }
}

/** The members of a map that are not null. */
function present<T>(map: Readonly<Record<string, T | null>> | null | undefined): Record<string, T> {
  return Object.fromEntries(Object.entries(map ?? {}).filter((entry): entry is [string, T] => entry[1] !== null))
}
