import type { BlockKey, BlockOwner } from './step-blocks.ts'

/** A request in the scheduler. Subclasses say what it generates. */
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
  /** Tokens of a step from before the last preemption are stale. */
  epoch = 0
  status: 'waiting' | 'running' | 'ended' = 'waiting'

  constructor(given: Pick<StepRequest, 'id' | 'arrival' | 'priority' | 'lora' | 'promptTokens' | 'maxTokens'>) {
    this.id = given.id
    this.arrival = given.arrival
    this.priority = given.priority
    this.lora = given.lora
    this.promptTokens = given.promptTokens
    this.maxTokens = given.maxTokens
    this.tokens = given.promptTokens
  }

  abstract key(index: number): BlockKey
  /** How many of the drafts of a step are right. @param padding the step admitted it, and its drafts are none of its own */
  abstract accepted(drafts: number, padding: boolean): number
  /** Whether its output number `count`, from 1 on, ends it with reason `stop`. */
  abstract stopsAt(count: number): boolean
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
}

/** What a step delivered of a request. */
export interface StepOutput {
  readonly request: StepRequest
  readonly tokens: number
  readonly ended: 'stop' | 'length' | undefined
}
