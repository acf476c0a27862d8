import type { Timeline } from '@vllm-sim/core-engine'
import type { Readiness, ServingContext } from '@vllm-sim/serving'
import type { KvEventSource } from './kv-events/source.ts'
import type { LoadMeter } from './load/meter.ts'
import type { TokenizerArchive } from './tokenizer/archive.ts'

/** What the model is, as far as it is known. */
export interface ModelFacts {
  readonly tokenizerPath: string
  readonly supportsVision: boolean
  /** Of the model's `config.json`: `llama`, and `LlamaForCausalLM`. */
  readonly modelType: string
  readonly architectures: readonly string[]
  readonly eosTokenIds: readonly number[]
  readonly padTokenId: number
  readonly bosTokenId: number
  /** Sampling parameters that the model sets, as compact JSON; empty when it sets none. */
  readonly defaultSamplingParams: string
}

/** How the server is set up. Names and values are those of vLLM's options. */
export interface ServerFacts {
  readonly version: string
  /** Clock time at which the server began, milliseconds. */
  readonly startedAt: number
  readonly kvConnector: string
  readonly kvRole: string
  readonly kvEngineId: string
  readonly kvCacheDtype: string
  /** Tokens per KV block, and blocks. */
  readonly blockSize: number
  readonly numBlocks: number
  readonly maxNumSeqs: number
  readonly modelDtype: string
  readonly pairingProtocol: string
  /** Most items per prompt, such as `image=8,video=2`. */
  readonly mmItemLimits: string
  readonly reasoningParser: string
}

/** What an engine does, beyond generating: what the calls for administration need. */
export interface EngineControl {
  snapshot(): {
    readonly running: number
    readonly waiting: number
    readonly cacheUsage: number
    readonly sleeping: boolean
  }
  /** Ends the requests of these ids, whichever protocol they came by. */
  abortRequests(ids: ReadonlySet<string>): void
  /** Empties the prefix cache. @returns false when a running request uses it, and nothing was done */
  resetPrefixCache(): boolean
}

/** All that the calls work with. One object per server. */
export interface GrpcContext extends ServingContext {
  readonly control: EngineControl
  readonly health: Readiness
  readonly load: LoadMeter
  readonly archive: TokenizerArchive
  /** Undefined: the server has no prefix cache. */
  readonly kvEvents: KvEventSource | undefined
  readonly model: ModelFacts
  readonly server: ServerFacts
  /** Data-parallel rank that is served here, and of how many. */
  readonly rank: number
  readonly ranks: number
  /** The port of each rank, to tell a client that asks for another one. */
  readonly portOf: (rank: number) => number
  /** Milliseconds of the machine's time: what concerns connections does not run faster with a simulated clock. */
  readonly socketTimeline: Timeline
  /** How long a client that reads nothing is waited for, milliseconds. */
  readonly stalledAfter: number
  /** Largest message that is taken, bytes. */
  readonly maxMessageBytes: number
}
