import type { Random } from '@vllm-sim/latency'
import type { ObservedSequence } from './events.ts'
import type { Adapter } from './lora.ts'
import type { GenerationRequest, OutputPart, OutputSink, Prompt, SequenceView } from './request.ts'
import type { StopScanner } from './stop.ts'
import type { TextSource } from './text-source.ts'

export type SequenceStatus = 'new' | 'waiting' | 'running' | 'ended'

/** The state of one choice of a request, from submission to its end. */
export class Sequence implements SequenceView, ObservedSequence {
  readonly request: GenerationRequest
  readonly prompt: Prompt
  readonly index: number
  readonly sink: OutputSink
  /** The sequence's own random stream. */
  readonly random: Random
  readonly promptTokens: number

  status: SequenceStatus = 'new'
  cachedTokens = 0
  outputTokens = 0
  reasoningTokens = 0
  arrivedAt: number
  queuedAt = -1
  startedAt = -1
  firstTokenAt = -1
  lastTokenAt = -1
  /** Generation is over; what is left is to hand it out. */
  complete = false
  stopReason: string | number | null = null
  source: TextSource | undefined
  scanner: StopScanner | undefined
  /** The LoRA slot it holds. */
  adapter: Adapter | undefined

  // What the pacer and the cache keep of it. Fields and not maps by sequence: a map that is filled and emptied all the
  // time leaves a chain of its former tables, which carries dead sequences into V8's old generation.
  pacing: unknown
  allocation: unknown

  // The waiting queue's links and the order of arrival in it.
  previous: Sequence | undefined
  following: Sequence | undefined
  order = 0

  constructor(request: GenerationRequest, prompt: Prompt, index: number, sink: OutputSink, random: Random) {
    this.request = request
    this.prompt = prompt
    this.index = index
    this.sink = sink
    this.random = random
    this.promptTokens = prompt.tokenIds.length
    this.arrivedAt = request.arrival
  }

  get final(): boolean {
    return this.complete && !this.request.extraDelay
  }

  get parts(): readonly OutputPart[] | undefined {
    return this.source?.parts
  }
}

/** A first-in, first-out list of sequences from which any can be taken in O(1). */
export class SequenceQueue {
  #first: Sequence | undefined
  #last: Sequence | undefined

  get first(): Sequence | undefined {
    return this.#first
  }

  push(sequence: Sequence): void {
    sequence.previous = this.#last
    if (this.#last) this.#last.following = sequence
    else this.#first = sequence
    this.#last = sequence
  }

  remove(sequence: Sequence): void {
    const { previous, following } = sequence
    if (previous) previous.following = following
    else this.#first = following
    if (following) following.previous = previous
    else this.#last = previous
    sequence.previous = undefined
    sequence.following = undefined
  }
}
