import { type PromptFeatures, RequestError } from '@vllm-sim/core-engine'
import { Modality } from '../gen/smg/grpc/common/common_pb.ts'
import type { GenerateRequest, MultimodalInputs } from '../gen/vllm/grpc/engine/engine_pb.ts'

/** The names that hashes are kept under; images are what a client that names none means. */
const names: Readonly<Record<Modality, string>> = {
  [Modality.MODALITY_UNSPECIFIED]: 'image',
  [Modality.IMAGE]: 'image',
  [Modality.AUDIO]: 'audio',
  [Modality.VIDEO]: 'video',
}

/**
 * Hashes and places of the multimodal items of a prompt: they are keys of the prefix cache. Tensors are not looked at.
 * @throws RequestError 400, with vLLM's texts, for items that only a processor could make something of
 */
export function promptFeatures({
  input,
  mediaRefs,
  mmInputs,
  extraMmInputs,
}: GenerateRequest): PromptFeatures | undefined {
  const inputs = mmInputs ? [mmInputs, ...extraMmInputs] : extraMmInputs
  if (mediaRefs && mediaRefs.items.length > 0) {
    if (input.case !== 'tokenized' || inputs.length > 0) {
      throw new RequestError(
        400,
        'media_refs requires tokenized input and cannot be combined with preprocessed multimodal inputs',
      )
    }
    throw new RequestError(400, 'media_refs sent but this server has no multimodal processor')
  }
  const mmHashes: Record<string, string[]> = {}
  const mmPlaceholders: Record<string, { offset: number; length: number }[]> = {}
  for (const { modality, mmHashes: hashes, mmPlaceholders: places } of inputs as readonly MultimodalInputs[]) {
    if (hashes.length === 0) continue
    const name = names[modality] ?? 'image'
    mmHashes[name] = [...(mmHashes[name] ?? []), ...hashes]
    mmPlaceholders[name] = [
      ...(mmPlaceholders[name] ?? []),
      ...places.map(({ offset, length }) => ({ offset, length })),
    ]
  }
  return Object.keys(mmHashes).length === 0 ? undefined : { mmHashes, mmPlaceholders }
}
