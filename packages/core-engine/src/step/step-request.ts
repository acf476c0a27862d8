import type { StepShape } from '@vllm-sim/latency'
import type { BlockKey, BlockOwner } from './step-blocks.ts'

/** A request in the scheduler. Subclasses say what it generates, and hear what becomes of it. */
export abstract class StepRequest implements BlockOwner {
  readonly id: number
  /** Any unit; what priority scheduling compares after the priority. */
  readonly arrival: number
  /** Smaller is more urgent. */
  readonly priority: number
  /** 0 for none. */
  readonly lora: number
  readonly promptTokens: number
  readonly maxTokens: number
  readonly blocks: BlockOwner['blocks'] = []
  registered = 0
  /** Prompt and delivered output. */
  tokens: number
  computed = 0
  /** Outputs of steps in flight. */
  placeholders = 0
  /** Tokens of steps in flight. */
  inFlight = 0
  drafts = 0
  preemptions = 0
  /** Its tokens when it last lost its blocks while nobody else ran. */
  stuckAt = -1
  /** Tokens of a step from before the last preemption are stale. */
  epoch = 0
  status: 'waiting' | 'running' | 'ended' = 'waiting'
  /** Its last token was delivered. */
  over = false
  // Its place in the waiting queue.
  previous: StepRequest | undefined = undefined
  following: StepRequest | undefined = undefined
  place = 0

  constructor(given: Pick<StepRequest, 'id' | 'arrival' | 'priority' | 'lora' | 'promptTokens' | 'maxTokens'>) {
    this.id = given.id
    this.arrival = given.arrival
    this.priority = given.priority
    this.lora = given.lora
    this.promptTokens = given.promptTokens
    this.maxTokens = given.maxTokens
    this.tokens = given.promptTokens
  }

  /** Tokens whose ids are known, of which blocks can be made: prompt and output. */
  get knownTokens(): number {
    return this.tokens
  }

  abstract key(index: number): BlockKey
  /** How many of the drafts of a step are right. @param padding the step admitted it, and its drafts are none of its own */
  abstract accepted(drafts: number, padding: boolean): number
  /**
   * Up to `most` further tokens, at least one, are computed. Sets `over` with the last.
   * @param now end of the step
   * @returns how many there were
   */
  abstract deliver(most: number, now: number): number
  /** It was admitted by a step that is composed now. @param cached tokens in blocks that were hits @returns false: it does not run */
  abstract admitted(cached: number, now: number): boolean
  /** It lost its blocks and waits again. */
  abstract preempted(now: number): void
  /** It will never run: an empty cache has no room for it. */
  abstract refused(now: number): void
}

/** What a batch has of a request. */
export interface StepPart {
  readonly request: StepRequest
  readonly tokens: number
  readonly epoch: number
  readonly padding: boolean
  drafts: number
  emits: boolean
}

/** What one step computes. Without parts it may still have preempted. */
export interface StepBatch {
  readonly parts: StepPart[]
  readonly admitted: { readonly request: StepRequest; readonly cached: number }[]
  readonly preempted: StepRequest[]
  readonly shape: StepShape
}
