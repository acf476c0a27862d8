import type { PromptFeatures } from '@vllm-sim/core-engine'
import type { ApiContext } from '../context.ts'
import type { GenerationEndpoint, Lowered } from '../generation/lowered.ts'
import { idsPrompt } from '../generation/prompts.ts'
import { limitsOf, sharedLowering } from '../generation/sampling.ts'
import { GenerateBodyEncoder } from './body.ts'
import { type GenerateBody, parseGenerate, validateGenerate, type WireFeatures } from './request.ts'
import { GenerateStreamEncoder } from './stream.ts'

/** `POST /inference/v1/generate`: token ids in, token ids out. */
export const generateEndpoint: GenerationEndpoint<GenerateBody> = {
  path: '/inference/v1/generate',
  cacheThresholdHeader: false,
  parse: parseGenerate,
  validate: validateGenerate,
  lower: lowerGenerate,
  body: call => new GenerateBodyEncoder(call),
  stream: call => new GenerateStreamEncoder(call),
}

function lowerGenerate(body: GenerateBody, context: ApiContext): Lowered {
  const sampling = body.sampling_params ?? {}
  const { cacheHitThreshold: _, ...shared } = sharedLowering(sampling, body)
  const features = promptFeatures(body.features)
  const keep = { tokens: typeof sampling.prompt_logprobs === 'number' }
  const prompt = idsPrompt(body.token_ids ?? [], context, keep)
  return {
    n: sampling.n ?? 1,
    limits: limitsOf(sampling, sampling.max_tokens ?? undefined),
    ...shared,
    prompts: [features ? { ...prompt, features } : prompt],
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
