import type {
  Clock,
  GenerationRequest,
  LoraRegistry,
  OutputSink,
  RequestHandle,
  Timeline,
  Token,
} from '@vllm-sim/core-engine'
import type { Tokenizer } from '@vllm-sim/tokenizer'
import type { ServingSettings } from './settings.ts'

/** Takes KV blocks of prompts that other instances have prefilled. */
export interface KvTransfers {
  /**
   * Called for a request with `do_remote_prefill` before it is submitted.
   * @param signal aborted when its client leaves
   * @returns the request as it is to be submitted, and in a few visible ASCII characters what became of it
   * @throws RequestError when it fails for want of its blocks
   * @throws the reason of `signal`
   */
  receive<R extends GenerationRequest>(
    request: R,
    signal: AbortSignal,
  ): Promise<{ readonly request: R; readonly note: string }>
}

/** All that a transport needs of an engine. */
export interface GenerationEngine {
  /** @throws RequestError when the request is refused at once */
  submit(request: GenerationRequest, sink: OutputSink): RequestHandle
  /** Context window in tokens. */
  readonly maxModelLen: number
  /** Adapters by name; absent when the engine has none. */
  readonly loras?: Pick<LoraRegistry, 'registered' | 'register' | 'unregister'>
}

/** Where unusual things are reported. Ordinary requests write nothing above `debug`. */
export interface ServingLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** All that requests are planned and answered with, whatever transport they come by. One object per server. */
export interface ServingContext {
  readonly engine: GenerationEngine
  readonly tokenizer: Tokenizer
  readonly timeline: Timeline
  readonly clock: Clock
  readonly settings: ServingSettings
  /** A new request id, unique in this server. */
  readonly nextId: () => string
  readonly log: ServingLog
  /** No new generation is taken any more. */
  readonly draining: () => boolean
  /** Present when blocks are really handed over; otherwise a transfer is a delay and its parameters are constants. */
  readonly kvTransfers?: KvTransfers | undefined
  /** Tokens of an output text. */
  readonly outputTokens: (text: string) => Token[]
}
