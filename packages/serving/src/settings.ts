import type { Range } from '@vllm-sim/structured-output'
import type { InjectedFailure } from './failures.ts'

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

/** Settings that hold for every transport. Read at each request, so members may be getters over a live configuration. */
export interface ServingSettings {
  /** The `model` option: the root of the served names. */
  readonly model: string
  /** Names that requests may use for the base model; the first is the one shown. Not empty. */
  readonly servedNames: readonly string[]
  /** Accept any model name. */
  readonly anyModel: boolean
  /** Answer as if every stream had asked for continuous usage. */
  readonly forceIncludeUsage: boolean
  /** Requests carry the tokens to echo. */
  readonly echo: boolean
  /** Most alternatives that a request may ask for per token. */
  readonly maxLogprobs: number
  /** Tokens are named by their ids in the logprobs of requests that do not say. */
  readonly tokensAsTokenIds: boolean
  readonly toolCalls: ToolCallSettings
  readonly reasoning: ReasoningSettings
  /** Only for omni models. */
  readonly images?: ImageSettings | undefined
  /** Only the multimodal encoder runs here: answers say where its output can be fetched. */
  readonly mmEncoderOnly: boolean
  /** Values of an embedding for requests that do not say; 384 when absent. */
  readonly embeddingDimensions?: number
  /** Most values that a request may ask for; 8,192 when absent. */
  readonly embeddingWidth?: number
  /** Decides whether a request fails on purpose; `content` is what the decision is derived from. */
  readonly injectFailure?: (content: string) => InjectedFailure | undefined
}

/** Settings as a server has them without any option, but for the names of its model. */
export const defaultServingSettings: Omit<ServingSettings, 'model' | 'servedNames'> = {
  anyModel: false,
  forceIncludeUsage: false,
  echo: false,
  maxLogprobs: 20,
  tokensAsTokenIds: false,
  toolCalls: {
    integers: { min: 0, max: 100 },
    numbers: { min: 0, max: 100 },
    arrayLength: { min: 1, max: 5 },
    optionalParameterPercent: 50,
    optionalFieldPercent: 50,
    extraCallPercent: 45,
    skipValidation: false,
  },
  reasoning: { enabled: false, percent: 100, maxTokens: 20 },
  mmEncoderOnly: false,
}
