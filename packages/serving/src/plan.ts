import type { GenerationRequest, OutputPlan, Prompt, Token } from '@vllm-sim/core-engine'
import type { Complete } from './complete.ts'
import type { ServingContext } from './context.ts'
import type { ResolvedModel } from './models.ts'
import type { RequestParams, SamplingParams } from './sampling.ts'

/** A prompt with what only answers that repeat it need. */
export interface EncodedPrompt extends Prompt {
  /** The prompt's tokens; present when asked for. They join to the text. */
  readonly tokens?: readonly Token[]
  /** The text that was encoded, for a conversation the rendered one; present when asked for and known. */
  readonly text?: string
}

/** What came in with a request beside its own members. */
export interface Call {
  readonly context: ServingContext
  /** The bare request id; dialects put their own prefix before it. */
  readonly id: string
  readonly model: ResolvedModel
  /** Clock time at which the request came in, milliseconds. */
  readonly arrival: number
  /** The request as it was sent: what chances are derived from. */
  readonly content: string
  /** Answer `cache_threshold` whatever the cache holds. */
  readonly forceCacheThreshold: boolean
  /** Whether an omni answer gets an image; undefined leaves it to chance. */
  readonly sendImage: boolean | undefined
  /** Ends the tokenizing of a long prompt; read only when there is one. */
  readonly signal?: AbortSignal | undefined
}

/** What an answer is made of instead of the server's ordinary text. */
export interface PlannedAnswer {
  readonly output: OutputPlan
  /** The content that its randomness depends on. */
  readonly fingerprint: string | undefined
}

/** A request for the engine, with all that answers repeat of the prompts. */
export type PlannedRequest = Complete<GenerationRequest> & { readonly prompts: readonly EncodedPrompt[] }

/** A request as the engine sees it. */
export function plannedRequest(
  call: Call,
  sampling: SamplingParams,
  params: RequestParams,
  prompts: readonly EncodedPrompt[],
  answer: PlannedAnswer | undefined,
  extraDelay: GenerationRequest['extraDelay'],
): PlannedRequest {
  const { name, lora } = call.model
  return {
    id: call.id,
    model: name,
    lora: lora ? name : undefined,
    prompts,
    n: sampling.n,
    limits: sampling,
    seed: sampling.seed,
    arrival: call.arrival,
    output: answer?.output,
    kvTransfer: params.kvTransfer,
    priority: params.priority,
    cacheSalt: params.cacheSalt,
    cacheHitThreshold: params.cacheHitThreshold,
    forceCacheThreshold: call.forceCacheThreshold || undefined,
    extraDelay,
    fingerprint: answer?.fingerprint,
  }
}

/**
 * Decides whether an answer gets an omni image. Its request has an `extraDelay` then, which also tells encoders that there
 * is one.
 */
export function imageDelay({ context, content, sendImage }: Call): GenerationRequest['extraDelay'] {
  const { images } = context.settings
  if (!images) return undefined
  return sendImage || images.draw(content) ? images.delay : undefined
}
