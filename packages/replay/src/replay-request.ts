import {
  type EngineObserver,
  type GenerationRequest,
  type ObservedSequence,
  type Outcome,
  StepRequest,
} from '@vllm-sim/core-engine'
import type { BlockKeys } from './block-keys.ts'
import type { TraceRequest } from './trace.ts'

/** What requests of a run have in common. */
export interface RunContext {
  readonly model: string
  readonly keys: BlockKeys
  readonly observer: EngineObserver
  /** The request has all of its tokens. */
  ended(request: ReplayRequest): void
}

const noPrompt: GenerationRequest['prompts'] = [{ tokenIds: [] }]
/** When what has not happened yet did. */
const never = Number.NEGATIVE_INFINITY

/** A request of a trace in the engine, and what became of it. Times in milliseconds. */
export class ReplayRequest extends StepRequest implements ObservedSequence {
  readonly given: TraceRequest
  readonly request: GenerationRequest
  readonly index = 0
  readonly arrivedAt: number
  readonly queuedAt: number
  cachedTokens = 0
  generatedTokens = 0
  startedAt = never
  firstTokenAt = never
  lastTokenAt = never
  isRefused = false
  readonly #context: RunContext
  readonly #keys: number[] = []

  constructor(context: RunContext, given: TraceRequest, id: number, arrival: number, lora: number) {
    const { inputLength: promptTokens, outputLength: maxTokens, priority = 0 } = given
    super({ id, arrival, priority, lora, promptTokens, maxTokens })
    const { model } = context
    const limits = { maxTokens, ignoreEos: true }
    this.request = { id: String(id), model, lora: given.lora, prompts: noPrompt, n: 1, limits, arrival }
    this.given = given
    this.arrivedAt = arrival
    this.queuedAt = arrival
    this.#context = context
  }

  override key(block: number): number {
    return (this.#keys[block] ??= this.#context.keys.of(this.given, this.id, block))
  }

  override accepted(): number {
    return 0
  }

  override admitted(cached: number, now: number): boolean {
    const { observer } = this.#context
    const first = this.startedAt < 0
    if (first) {
      this.startedAt = now
      this.cachedTokens = cached
    }
    observer.onStarted?.(this, now)
    if (first) observer.onPrefixLookup?.(this.promptTokens, cached)
    return true
  }

  override preempted(now: number): void {
    this.#context.observer.onPreempted?.(this, now)
  }

  override refused(): void {
    this.isRefused = true
  }

  override deliver(most: number, now: number): number {
    const { observer } = this.#context
    const count = Math.min(most, this.maxTokens - this.generatedTokens)
    observer.onTokens?.(this, count, now)
    if (this.firstTokenAt < 0) this.firstTokenAt = now
    this.generatedTokens += count
    this.lastTokenAt = now
    this.over = this.generatedTokens >= this.maxTokens
    if (this.over) {
      observer.onFinished?.(this, this.#outcome, now)
      this.#context.ended(this)
    }
    return count
  }

  get #outcome(): Outcome {
    const { promptTokens, cachedTokens, generatedTokens: completionTokens } = this
    return {
      finishReason: 'length',
      stopReason: null,
      promptTokens,
      cachedTokens,
      completionTokens,
      reasoningTokens: 0,
    }
  }
}
