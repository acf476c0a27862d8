import type { Random } from '@vllm-sim/latency'
import type { RequestError } from './errors.ts'
import type { Token } from './token.ts'

/** Content hashes and positions of a prompt's images, audio and video, per modality. */
export interface PromptFeatures {
  readonly mmHashes: Readonly<Record<string, readonly string[]>>
  readonly mmPlaceholders: Readonly<Record<string, readonly { readonly offset: number; readonly length: number }[]>>
}

/** One tokenized prompt. */
export interface Prompt {
  readonly tokenIds: ArrayLike<number>
  /** What echo mode answers; needed only there. */
  readonly echo?: readonly Token[]
  readonly features?: PromptFeatures
}

/** When an answer ends. Lengths in tokens. */
export interface Limits {
  /** Undefined: up to the end of the context. */
  readonly maxTokens?: number | undefined
  /** No end of text, stop token or stop string counts before this many tokens. */
  readonly minTokens?: number | undefined
  /** Generate exactly `maxTokens`. */
  readonly ignoreEos?: boolean | undefined
  readonly stop?: readonly string[] | undefined
  readonly stopTokenIds?: readonly number[] | undefined
  /** Keep the matched stop string or token in the output. */
  readonly includeStop?: boolean | undefined
}

/** `kv_transfer_params`: what two instances tell each other of a prompt's KV blocks, through the client or a proxy. */
export type KvTransferParams = Readonly<Record<string, unknown>>

/** Fields of `kv_transfer_params` that change what the engine does. */
export interface KvTransfer {
  /** This instance only prefills; another one decodes. */
  readonly doRemoteDecode?: boolean
  /** Another instance has prefilled; the KV cache is fetched from it. */
  readonly doRemotePrefill?: boolean
  /** All of `kv_transfer_params`, as it was sent; a connector reads it. */
  readonly params?: KvTransferParams | undefined
}

/** A protocol-neutral request: prompts times `n` sequences, whose index is prompt position * n + repetition. */
export interface GenerationRequest {
  /** The id the client sees. Not unique: clients choose it. */
  readonly id: string
  /** The name shown in answers: the adapter's, or the first served name. */
  readonly model: string
  /** Set when `model` is a LoRA adapter. */
  readonly lora?: string | undefined
  readonly prompts: readonly Prompt[]
  readonly n: number
  readonly limits: Limits
  /** Replaces the server's seed and the count of equal requests. */
  readonly seed?: number | undefined
  /** Clock time at which the request came in, milliseconds; TTFT and end-to-end times count from here. */
  readonly arrival: number
  /** What to generate instead of the server's ordinary text. */
  readonly output?: OutputPlan | undefined
  readonly kvTransfer?: KvTransfer | undefined
  /** Smaller is more urgent, 0 when absent; only priority scheduling looks at it. */
  readonly priority?: number | undefined
  /** Separates this request's KV blocks from others'. */
  readonly cacheSalt?: string | undefined
  /** Share of cached prompt tokens, 0 to 1, below which the answer is empty with `cache_threshold`. */
  readonly cacheHitThreshold?: number | undefined
  /** Answer `cache_threshold` whatever the cache holds. */
  readonly forceCacheThreshold?: boolean | undefined
  /** Extra delay after the last token, milliseconds (image generation); mean and standard deviation. */
  readonly extraDelay?: { readonly mean: number; readonly deviation: number } | undefined
  /** Further request content that the answer's randomness should depend on. */
  readonly fingerprint?: string | undefined
}

/**
 * Text that is decided by the request and not by the server's mode. `plan` is called once per sequence, when it is
 * submitted, with the random stream of that sequence.
 */
export interface OutputPlan {
  /** @returns undefined for ordinary text */
  plan(context: PlanContext): PlannedOutput | undefined
}

/** What a plan may depend on. */
export interface PlanContext {
  readonly random: Random
  /** Tokens that may be generated at most; infinity without a limit. */
  readonly maxTokens: number
  /** 0-based index of the sequence in its request. */
  readonly index: number
}

/** A fixed answer in parts; `undefined` instead of one means ordinary text. */
export interface PlannedOutput {
  readonly parts: readonly OutputPart[]
  /** The reason when all parts were generated; `length` replaces it when the limit cuts them. */
  readonly finishReason: FinishReason
  /** Continue with ordinary text after the parts (reasoning before an answer). */
  readonly thenText?: boolean
  /** Neither the limit nor stop strings cut it (tool calls). */
  readonly uncut?: boolean
  /** Tokens that count as completion tokens beside those that are sent (the frame of a tool call). */
  readonly hiddenTokens?: number
}

/** A stretch of the output of one kind. */
export interface OutputPart {
  readonly kind: 'reasoning' | 'text' | 'tool'
  /** All tokens, or with `extend` those that were made so far, at least one; the list only grows. */
  readonly tokens: readonly Token[]
  /**
   * Makes more tokens of a long part, at the end of `tokens`. Asked for as soon as the last one is handed out, so that
   * a token is the last of its part exactly if it is the last of the list.
   * @returns false when there are no more
   */
  readonly extend?: (() => boolean) | undefined
  /** Tool parts only: what is called. */
  readonly tool?: { readonly id: string; readonly name: string }
}

export type FinishReason = 'stop' | 'length' | 'tool_calls' | 'remote_decode' | 'cache_threshold' | 'abort' | 'error'

/** How a sequence ended. */
export interface Outcome {
  readonly finishReason: FinishReason
  /** The stop string or stop token id that ended it. */
  readonly stopReason: string | number | null
  readonly promptTokens: number
  /** Prompt tokens found in the KV cache. */
  readonly cachedTokens: number
  readonly completionTokens: number
  readonly reasoningTokens: number
  /** Where another instance finds the KV blocks of the prompt; only when one is to decode and the engine hands them over. */
  readonly kvTransferParams?: KvTransferParams
  /** Only with finish reason `error`. */
  readonly error?: RequestError
}

/** What a transport may see of a running sequence. */
export interface SequenceView {
  /** Index of the choice in its request. */
  readonly index: number
  readonly request: GenerationRequest
  readonly promptTokens: number
  readonly cachedTokens: number
  /** Tokens handed to the sink so far, those of the present call included. */
  readonly outputTokens: number
  /** These are its last tokens; `onFinish` follows before anything else happens. */
  readonly final: boolean
  /** The plan's parts when the output is not plain text. */
  readonly parts: readonly OutputPart[] | undefined
}

/** Takes the output of one request. The engine calls it; it must not throw, and not submit from inside `onTokens`. */
export interface OutputSink {
  /**
   * Tokens of one sequence that fell due in one wake-up. `tokens` is only valid during the call and holds `count`
   * entries from 0 on. An empty first call (`count` 0) tells that the answer starts without any token.
   * @returns false when the reader is so far behind that no sequence of the request should bring more until `resume`
   */
  onTokens(sequence: SequenceView, tokens: readonly Token[], count: number): boolean
  /** Called exactly once per sequence, after its last tokens. */
  onFinish(sequence: SequenceView, outcome: Outcome): void
}

/** A submitted request. */
export interface RequestHandle {
  /** Ends all its sequences now with `abort`; their slots are free when this returns. Harmless afterwards. */
  abort(): void
  /** The reader can take more: what was generated meanwhile is delivered from the next wake-up on. */
  resume(): void
}
