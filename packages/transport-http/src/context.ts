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

/** All that the endpoints need of an engine. */
export interface GenerationEngine {
  /** @throws RequestError when the request is refused at once */
  submit(request: GenerationRequest, sink: OutputSink): RequestHandle
  /** Context window in tokens. */
  readonly maxModelLen: number
  /** Adapters by name; absent when the engine has none. */
  readonly loras?: Pick<LoraRegistry, 'registered' | 'register' | 'unregister'>
}

/** Where unusual things are reported. Ordinary requests write nothing above `debug`. */
export interface ApiLog {
  debug(fields: object, message: string): void
  info(fields: object, message: string): void
  warn(fields: object, message: string): void
  error(fields: object, message: string): void
}

/** What an HTTP exchange looked like, for metrics. Sizes in bytes, duration in seconds. */
export interface HttpRecorder {
  record(
    handler: string,
    method: string,
    status: number,
    seconds: number,
    requestBytes: number,
    responseBytes: number,
  ): void
}

/** An injected failure, ready to be sent. */
export interface InjectedFailure {
  readonly status: number
  readonly message: string
  readonly param: string | null
}

/** Both ends included. */
export interface Range {
  readonly min: number
  readonly max: number
}

/** How tool calls are made up where neither the request nor a schema decides. Chances in percent. */
export interface ToolCallSettings {
  readonly integers: Range
  readonly numbers: Range
  /** Of arrays whose schema sets no limits. */
  readonly arrayLength: Range
  /** Chance of a parameter that is not required. */
  readonly optionalParameterPercent: number
  /** Chance of a member that is not required, in objects inside of the arguments. */
  readonly optionalFieldPercent: number
  /** Chance of each call beyond those that the request demands. */
  readonly extraCallPercent: number
  /** Take tools whose definition does not pass the check. */
  readonly skipValidation: boolean
}

/** Reasoning before the answer. */
export interface ReasoningSettings {
  /** Requests reason unless they say otherwise; when false, only those that ask for it. */
  readonly enabled: boolean
  /** Share, in percent, of the requests that may reason and do. */
  readonly percent: number
  /** Most tokens of reasoning; the number is drawn evenly from 1 to this. */
  readonly maxTokens: number
}

/** Images in the answers of omni models. */
export interface ImageSettings {
  /** Whether a request that does not say gets an image; `content` is what the decision is derived from. */
  readonly draw: (content: string) => boolean
  /** Time that an image takes after the last token, milliseconds. */
  readonly delay: { readonly mean: number; readonly deviation: number }
}

/** Settings of the endpoints. Read at each request, so members may be getters over a live configuration. */
export interface ApiSettings {
  /** The `model` option: the root of the served names. */
  readonly model: string
  /** Names that requests may use for the base model; the first is the one shown. Not empty. */
  readonly servedNames: readonly string[]
  /** Largest request body in bytes. */
  readonly maxBodyBytes: number
  /** Take the request id from `X-Request-Id` and send it back. */
  readonly requestIdHeaders: boolean
  /** Answer as if every stream had asked for continuous usage. */
  readonly forceIncludeUsage: boolean
  /** Added to the answers of generation endpoints. */
  readonly podHeaders: Readonly<Record<string, string>>
  /** Requests carry the tokens to echo. */
  readonly echo: boolean
  /** Accept any model name. */
  readonly anyModel: boolean
  /** Most alternatives that a request may ask for per token. */
  readonly maxLogprobs: number
  /** `return_tokens_as_token_ids` for requests that do not say. */
  readonly tokensAsTokenIds: boolean
  /** Role of the answers. */
  readonly responseRole: string
  readonly toolCalls: ToolCallSettings
  readonly reasoning: ReasoningSettings
  /** Only for omni models. */
  readonly images?: ImageSettings | undefined
  /** Only the multimodal encoder runs here: answers say where its output can be fetched. */
  readonly mmEncoderOnly: boolean
  /** Values of an embedding for requests that do not say; 384 when absent. */
  readonly embeddingDimensions?: number
  /** Errors of `/v1/messages` have Anthropic's form and names, not OpenAI's. */
  readonly anthropicErrors: boolean
  /** Decides whether a request fails on purpose; `content` is what the decision is derived from. */
  readonly injectFailure?: (content: string) => InjectedFailure | undefined
}

/** All that the endpoints work with. One object per server. */
export interface ApiContext {
  readonly engine: GenerationEngine
  readonly tokenizer: Tokenizer
  readonly timeline: Timeline
  readonly clock: Clock
  /** Deadlines of sockets, which are in real time whatever the simulation's clock does. */
  readonly socketTimeline: Timeline
  readonly settings: ApiSettings
  /** A new request id, unique in this server. */
  readonly nextId: () => string
  readonly log: ApiLog
  readonly recorder?: HttpRecorder
  /** No new generation is taken any more. */
  readonly draining: () => boolean
  /** Tokens of an output text. */
  readonly outputTokens: (text: string) => Token[]
}
