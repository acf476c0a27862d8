import {
  type LatencyOptions,
  latencyModel,
  noLatency,
  type StepCoefficients,
  StepCost,
  Timeline,
  VirtualClock,
} from '@vllm-sim/latency'
import { Engine } from '../engine.ts'
import type { EngineOptions } from '../engine-options.ts'
import { FnvHasher } from '../kv/index.ts'
import { presetSentences, randomMode } from '../random-text.ts'
import type { GenerationRequest, Outcome, OutputSink, RequestHandle, SequenceView } from '../request.ts'
import { StepCache } from '../step/step-cache.ts'
import { type StepSchedulingOptions, stepScheduling } from '../step/step-pacer.ts'
import { Token } from '../token.ts'

/** One token per word. */
export const sentences: readonly (readonly Token[])[] = presetSentences.map(sentence =>
  sentence.split(/(?<= )(?=.)/).map((text, at) => new Token(at + text.length * 100, text)),
)

/** Milliseconds; what is not given is 0, the load factor 1. */
export type Latency = Partial<Omit<LatencyOptions, 'maxNumSeqs'>>

/** What came of one sequence. */
export interface Received {
  readonly index: number
  readonly text: string
  /** Clock time of each token. */
  readonly at: readonly number[]
  readonly outcome: Outcome | undefined
  readonly finishedAt: number
  /** Calls of `onFinish`. */
  readonly finishes: number
}

interface Recorded extends Received {
  text: string
  readonly at: number[]
  outcome: Outcome | undefined
  finishedAt: number
  finishes: number
}

/** Keeps what it is given. */
export class RecordingSink implements OutputSink {
  readonly #clock: VirtualClock
  readonly #received: Recorded[] = []
  /** Answer of `onTokens`. */
  ready = true

  constructor(clock: VirtualClock) {
    this.#clock = clock
  }

  get received(): readonly Received[] {
    return this.#received
  }

  /** The only sequence. */
  get one(): Received {
    return this.#of(0)
  }

  get done(): boolean {
    return this.#received.length > 0 && this.#received.every(({ outcome }) => outcome !== undefined)
  }

  onTokens(sequence: SequenceView, tokens: readonly Token[], count: number): boolean {
    const into = this.#of(sequence.index)
    for (let i = 0; i < count; i++) {
      into.text += tokens[i]!.text
      into.at.push(this.#clock.now())
    }
    return this.ready
  }

  onFinish(sequence: SequenceView, outcome: Outcome): void {
    const into = this.#of(sequence.index)
    into.outcome = outcome
    into.finishedAt = this.#clock.now()
    into.finishes++
  }

  #of(index: number): Recorded {
    return (this.#received[index] ??= {
      index,
      text: '',
      at: [],
      outcome: undefined,
      finishedAt: Number.NaN,
      finishes: 0,
    })
  }
}

/** A step costs 10 ms, whatever it computes. */
export const tenMilliseconds: StepCoefficients = {
  host_ms: 10,
  mixed_ms: 0,
  weights_ms: 0,
  token_us: 0,
  seq_us: 0,
  ctx_us_per_ktok: 0,
  pair_us_per_ktok: 0,
  skew_us_per_ktok: 0,
}

/** Scheduling in steps of 10 ms with blocks of four tokens, where nothing else is said. */
export function stepOptions(
  more: Partial<Omit<StepSchedulingOptions, 'cache' | 'cost'>> & {
    blocks?: number
    caching?: boolean
    cost?: Partial<StepCoefficients>
  } = {},
): Pick<EngineOptions, 'cache' | 'scheduling'> {
  const { blocks = 1001, caching = true, cost, ...rest } = more
  const stepCost = new StepCost({ ...tenMilliseconds, ...cost })
  const cache = new StepCache({ size: blocks, blockSize: 4, caching, hasher: new FnvHasher() })
  const scheduling = stepScheduling({
    cache,
    async: true,
    arrivalDelay: 0,
    cost: () => stepCost,
    maxNumBatchedTokens: 8,
    maxModelLen: 1024,
    chunkedPrefill: true,
    longPrefillTokenThreshold: 0,
    policy: 'fcfs',
    watermark: 0,
    reserveFullInput: true,
    maxLoras: 1,
    numSpeculativeTokens: 0,
    numLookaheadTokens: 0,
    ...rest,
  })
  return { cache, scheduling }
}

/** An engine on a virtual clock. */
export class Harness {
  readonly clock = new VirtualClock()
  readonly timeline = new Timeline(this.clock)
  readonly engine: Engine

  constructor(options: Partial<Omit<EngineOptions, 'latency' | 'timeline'>> & { latency?: Latency } = {}) {
    const { latency = {}, ...rest } = options
    const maxNumSeqs = rest.maxNumSeqs ?? 5
    this.engine = new Engine({
      timeline: this.timeline,
      seed: 1,
      maxNumSeqs,
      maxWaiting: 1000,
      maxModelLen: 1024,
      text: randomMode(sentences),
      ...rest,
      latency: latencyModel({ ...noLatency, ...latency, maxNumSeqs }),
    })
  }

  submit(request: Partial<GenerationRequest> & { tokens?: number } = {}): {
    sink: RecordingSink
    handle: RequestHandle
  } {
    const sink = new RecordingSink(this.clock)
    const { tokens, ...rest } = request
    const handle = this.engine.submit(
      {
        id: 'r',
        model: rest.lora ?? 'm',
        prompts: [{ tokenIds: [1, 2, 3] }],
        n: 1,
        limits: tokens === undefined ? {} : { maxTokens: tokens, ignoreEos: true },
        arrival: this.clock.now(),
        ...rest,
      },
      sink,
    )
    return { sink, handle }
  }
}
