import {
  Engine,
  type EngineObserver,
  type GenerationRequest,
  type KvCache,
  type LatencyModel,
  latencyModel,
  noLatency,
  type OutputSink,
  presetSentences,
  randomMode,
  Timeline,
  type Token,
  toTokens,
  VirtualClock,
} from '@vllm-sim/core-engine'
import { SimulatedTokenizer } from '@vllm-sim/tokenizer'

/** Constant times in milliseconds. */
export function constantLatency(timeToFirstToken: number, interTokenLatency: number): LatencyModel {
  return latencyModel({ ...noLatency, calculator: 'constant', timeToFirstToken, interTokenLatency })
}

/** The sentences of random answers as the server has them. */
export function sentences(): readonly (readonly Token[])[] {
  const tokenizer = new SimulatedTokenizer()
  return presetSentences.map(text => toTokens(tokenizer.encodeOutput(text)))
}

/** An engine as the server builds it, on a clock that stands still. */
export function buildEngine(options: {
  readonly slots: number
  readonly latency: LatencyModel
  readonly cache?: KvCache
  readonly observers?: readonly EngineObserver[]
}): { engine: Engine; clock: VirtualClock } {
  const clock = new VirtualClock()
  const engine = new Engine({
    timeline: new Timeline(clock),
    seed: 1,
    maxNumSeqs: options.slots,
    maxWaiting: Number.POSITIVE_INFINITY,
    maxModelLen: 32_768,
    latency: options.latency,
    text: randomMode(sentences()),
    ...(options.cache ? { cache: options.cache } : undefined),
    observers: options.observers ?? [],
  })
  return { engine, clock }
}

/** A request for exactly `maxTokens` tokens. */
export function request(tokenIds: ArrayLike<number>, maxTokens: number, arrival: number): GenerationRequest {
  return { id: 'r', model: 'm', prompts: [{ tokenIds }], n: 1, limits: { maxTokens, ignoreEos: true }, arrival }
}

/** Counts what it is given. */
export class CountingSink implements OutputSink {
  tokens = 0
  finished = 0

  onTokens(_sequence: unknown, _tokens: readonly Token[], count: number): boolean {
    this.tokens += count
    return true
  }

  onFinish(): void {
    this.finished++
  }
}

/** Bytes in use on the heap after a collection; needs `--expose-gc`. */
export function usedBytes(): number {
  globalThis.gc!()
  const { heapUsed, arrayBuffers } = process.memoryUsage()
  return heapUsed + arrayBuffers
}
