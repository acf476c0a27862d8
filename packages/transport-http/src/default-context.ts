import { type Clock, RealClock, Timeline, toTokens } from '@vllm-sim/core-engine'
import { defaultServingSettings, type GenerationEngine } from '@vllm-sim/serving'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'
import type { ApiContext, ApiSettings } from './context.ts'

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
  ...defaultServingSettings,
  maxBodyBytes: 4 * 1024 * 1024,
  requestIdHeaders: false,
  podHeaders: {},
  debugHeaders: false,
  responseRole: 'assistant',
  anthropicErrors: true,
}
