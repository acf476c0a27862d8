import { RequestError } from '@vllm-sim/core-engine'
import { resolveModel } from '@vllm-sim/serving'
import type { Cancel } from '@vllm-sim/tokenizer'
import type { ApiContext } from '../../context.ts'
import { unparsable } from '../../generation/unparsable.ts'
import type { ChatWire, ChunkWire, CompletionWire, StreamState, WireChoice, WireGenerated } from './wire.ts'

/** Generate answers, or a chunk of one, that passed all checks. */
export interface DerenderPlan {
  readonly context: ApiContext
  /** The name that the answer shows. */
  readonly model: string
  readonly generated: readonly WireGenerated[]
  /** Prompt tokens of each as the client states them. */
  readonly promptTokens: readonly (number | null | undefined)[]
  /** Ends the work for a client that leaves. */
  readonly cancel: Cancel
}

/** One chunk, and what came before it. */
export interface ChunkPlan extends DerenderPlan {
  readonly state: StreamState | null | undefined
}

/** @throws RequestError */
export function planChat(wire: ChatWire, context: ApiContext, cancel: Cancel): DerenderPlan {
  const { name: model } = resolveModel(wire.model, context)
  const generated = [wire.generate_response]
  checkSizes(generated, context)
  return { context, model, generated, promptTokens: [wire.prompt_tokens], cancel }
}

/** @throws RequestError */
export function planCompletion(wire: CompletionWire, context: ApiContext, cancel: Cancel): DerenderPlan {
  const { generate_responses: generated, prompt_tokens: promptTokens } = wire
  const { name: model } = resolveModel(wire.model, context)
  if (generated.length === 0) {
    throw new RequestError(400, 'generate_responses must not be empty', 'generate_responses')
  }
  if (promptTokens && promptTokens.length !== generated.length) {
    throw unparsable(
      `prompt_tokens length (${promptTokens.length}) must equal generate_responses length (${generated.length})`,
    )
  }
  checkSizes(generated, context)
  return { context, model, generated, promptTokens: promptTokens ?? [], cancel }
}

/** @throws RequestError */
export function planChunk(wire: ChunkWire, context: ApiContext, cancel: Cancel): ChunkPlan {
  const { generate_chunk: chunk, stream_state: state } = wire
  const { name: model } = resolveModel(wire.model, context)
  if (chunk.choices.length > 1) {
    throw new RequestError(400, 'a generate_chunk has at most one choice', 'generate_chunk')
  }
  checkSizes([chunk], context)
  return { context, model, generated: [chunk], promptTokens: [wire.prompt_tokens], state, cancel }
}

/** Nothing longer than the context can have been generated. @throws RequestError 400 */
function checkSizes(all: readonly WireGenerated[], { engine }: ApiContext): void {
  for (const { index, token_ids: ids } of all.flatMap<WireChoice>(generated => generated.choices)) {
    if (ids && ids.length > engine.maxModelLen) {
      throw new RequestError(
        400,
        `token_ids length (${ids.length}) in choice ${index} exceeds max_model_len (${engine.maxModelLen}).`,
        'token_ids',
      )
    }
  }
}
