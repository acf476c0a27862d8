import { type Clock, RealClock, Timeline, toTokens } from '@vllm-sim/core-engine'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import type { ApiContext, ApiSettings, GenerationEngine } from './context.ts'

/** What `createContext` cannot make up. Every member of a context can be given as well. */
export interface ContextOptions extends Partial<Omit<ApiContext, 'settings'>> {
  readonly engine: GenerationEngine
  readonly clock: Clock
  /** The name that clients ask for. */
  readonly model: string
  readonly settings?: Partial<ApiSettings>
}

/**
 * A context with vLLM's and the reference's defaults around an engine: simulated tokens, ids that count from 0, a silent
 * log, no failures.
 */
export function createContext({ model, settings, ...given }: ContextOptions): ApiContext {
  const tokenizer = given.tokenizer ?? new SimulatedTokenizer()
  let ids = 0
  return {
    timeline: new Timeline(given.clock),
    socketTimeline: new Timeline(new RealClock()),
    nextId: () => `${ids++}`,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    draining: () => false,
    outputTokens: text => toTokens(tokenizer.encodeOutput(text)),
    ...given,
    tokenizer,
    settings: { ...defaultSettings, model, servedNames: [model], ...settings },
  }
}

/** Settings as a server has them without any option, but for the names of its model. */
export const defaultSettings: Omit<ApiSettings, 'model' | 'servedNames'> = {
  maxBodyBytes: 4 * 1024 * 1024,
  requestIdHeaders: false,
  forceIncludeUsage: false,
  podHeaders: {},
  echo: false,
  anyModel: false,
  maxLogprobs: 20,
  tokensAsTokenIds: false,
  responseRole: 'assistant',
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
  anthropicErrors: true,
}
