import type { MultimodalFeatures } from '@vllm-sim/tokenizer'
import { jsonText } from '../../output/json-text.ts'
import type { Rendered, RenderPlan } from './plan.ts'

/** The generate request of a conversation. */
export function chatRequestJson({ id, prompts, offsets, ...plan }: RenderPlan): string {
  const request = generateRequest(`chatcmpl-${id}`, prompts[0]!, plan)
  return jsonText({ ...request, ...(offsets ? { token_offsets: offsets } : undefined) })
}

/** The generate requests of a text completion, one per prompt, one at a time. */
export function* completionRequestsJson({ id, prompts, ...plan }: RenderPlan): Generator<string> {
  for (const [at, prompt] of prompts.entries()) {
    yield `${at === 0 ? '[' : ','}${jsonText(generateRequest(`cmpl-${id}-${at}`, prompt, plan))}`
  }
  yield ']'
}

/** The body for `POST /inference/v1/generate` that continues where rendering ends. */
function generateRequest(
  id: string,
  { ids, features }: Rendered,
  { sampling, model, carried }: Pick<RenderPlan, 'sampling' | 'model' | 'carried'>,
): object {
  const priority = (carried as { readonly priority?: unknown }).priority
  return {
    request_id: id,
    token_ids: ids,
    ...(features ? { features: wireFeatures(features) } : undefined),
    sampling_params: sampling,
    model,
    stream: carried.stream ?? false,
    ...(carried.stream && carried.stream_options ? { stream_options: carried.stream_options } : undefined),
    ...(carried.cache_salt ? { cache_salt: carried.cache_salt } : undefined),
    priority: Number.isSafeInteger(priority) ? priority : 0,
    ...(carried.kv_transfer_params ? { kv_transfer_params: carried.kv_transfer_params } : undefined),
  }
}

function wireFeatures({ mmHashes, mmPlaceholders, kwargsData }: MultimodalFeatures): object {
  const data = kwargsData && Object.keys(kwargsData).length > 0 ? { kwargs_data: kwargsData } : undefined
  return { mm_hashes: mmHashes, mm_placeholders: mmPlaceholders, ...data }
}
