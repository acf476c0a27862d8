import { type Clock, type Engine, RealClock, Timeline, toTokens } from '@vllm-sim/core-engine'
import { defaultServingSettings, type GenerationEngine, Readiness, type ServingSettings } from '@vllm-sim/serving'
import { SimulatedTokenizer, type Tokenizer } from '@vllm-sim/tokenizer'
import type { EngineControl, GrpcContext, ModelFacts, ServerFacts } from './context.ts'
import { LoadMeter } from './load/meter.ts'
import { TokenizerArchive } from './tokenizer/archive.ts'

/** What `createGrpcContext` cannot make up. Every member of a context can be given as well. */
export interface GrpcContextOptions extends Partial<Omit<GrpcContext, 'settings' | 'model' | 'server'>> {
  readonly engine: GenerationEngine & Partial<EngineControl> & Partial<Pick<Engine, 'observe'>>
  readonly clock: Clock
  /** The name that the server goes by. */
  readonly name: string
  readonly settings?: Partial<ServingSettings>
  readonly model?: Partial<ModelFacts>
  readonly server?: Partial<ServerFacts>
}

const unknownModel: Omit<ModelFacts, 'tokenizerPath'> = {
  supportsVision: false,
  modelType: '',
  architectures: [],
  eosTokenIds: [],
  padTokenId: 0,
  bosTokenId: 0,
  defaultSamplingParams: '',
}

const plainServer: Omit<ServerFacts, 'startedAt'> = {
  version: '0',
  kvConnector: '',
  kvRole: '',
  kvEngineId: '',
  kvCacheDtype: 'auto',
  blockSize: 16,
  numBlocks: 1024,
  maxNumSeqs: 256,
  modelDtype: 'auto',
  pairingProtocol: '',
  mmItemLimits: '',
  reasoningParser: '',
}

/**
 * A context around an engine: simulated tokens, ids that count from 0, a silent log, always ready, one rank. What an engine
 * of one's own cannot do (`snapshot`, `abortRequests`, `resetPrefixCache`) is answered as by one that does nothing.
 */
export function createGrpcContext({ name, settings, model, server, ...given }: GrpcContextOptions): GrpcContext {
  const { engine, clock } = given
  const tokenizer: Tokenizer = given.tokenizer ?? new SimulatedTokenizer()
  const load = given.load ?? new LoadMeter()
  engine.observe?.(load)
  let ids = 0
  return {
    control: {
      snapshot: () => engine.snapshot?.() ?? { running: 0, waiting: 0, cacheUsage: 0, sleeping: false },
      abortRequests: wanted => engine.abortRequests?.(wanted),
      resetPrefixCache: () => engine.resetPrefixCache?.() ?? true,
    },
    timeline: new Timeline(clock),
    socketTimeline: new Timeline(new RealClock()),
    stalledAfter: 60_000,
    nextId: () => `${ids++}`,
    log: { debug() {}, info() {}, warn() {}, error() {} },
    draining: () => false,
    outputTokens: text => toTokens(tokenizer.encodeOutput(text)),
    health: new Readiness(),
    archive: new TokenizerArchive(tokenizer.directory),
    kvEvents: undefined,
    rank: 0,
    ranks: 1,
    portOf: () => 0,
    maxMessageBytes: 64 * 1024 * 1024,
    ...given,
    load,
    tokenizer,
    settings: { ...defaultServingSettings, model: name, servedNames: [name], ...settings },
    model: { ...unknownModel, tokenizerPath: tokenizer.directory ?? name, ...model },
    server: { ...plainServer, startedAt: clock.now(), ...server },
  }
}
