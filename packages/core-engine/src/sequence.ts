import { Deadline, type Random, type Seed, SeededRandom } from '@vllm-sim/latency'
import type { ObservedSequence } from './events.ts'
import type { Allocation } from './kv/index.ts'
import type { Adapter } from './lora.ts'
import type { GenerationRequest, Outcome, OutputPart, Prompt, SequenceView } from './request.ts'
import type { StepRequest } from './step/step-request.ts'
import type { StopScanner } from './stop.ts'
import type { TextSource } from './text-source.ts'
import type { Token, TokenBatch } from './token.ts'

/** Takes what the sequences of a request generate. */
export interface Reader {
  /** Hands tokens out, or keeps them. */
  tokens(sequence: Sequence, batch: TokenBatch): void
  /** Tells of the end, after the sequence's last token. @returns false when that has to wait */
  finish(sequence: Sequence, outcome: Outcome): boolean
}

/** What the pacer of a sequence keeps of it. */
export abstract class Pacing extends Deadline {
  /** When the next token is due. */
  nextDue: number
  /** Not to be advanced for now. */
  held = false

  constructor(nextDue: number) {
    super()
    this.nextDue = nextDue
  }
}

/** What the steps of the engine keep of a sequence. */
export interface SteppedRequest extends StepRequest {
  /** Its reader takes nothing: what is computed is generated later. */
  held: boolean
  /** Its tokens of the present step are on their way: whoever ends it now ends it after them. */
  readonly delivering: boolean
  /** Its reader takes tokens again. */
  resume(): void
  /** No token of it is generated any more. */
  stop(): void
}

/**
 * When what has not happened yet did. Not -1: a field that begins as a whole number gets another form with the first
 * fraction, and V8 compiles all that uses it anew.
 */
const never = Number.NEGATIVE_INFINITY

/** Tells the streams of a sequence apart. */
const timingWord = 0x74696d65

export type SequenceStatus = 'new' | 'waiting' | 'running' | 'ended'

/** The state of one choice of a request, from submission to its end. */
export class Sequence implements SequenceView, ObservedSequence {
  readonly request: GenerationRequest
  readonly prompt: Prompt
  readonly index: number
  readonly reader: Reader
  /** The sequence's own random stream for its text. */
  readonly random: Random
  readonly promptTokens: number

  status: SequenceStatus = 'new'
  cachedTokens = 0
  generatedTokens = 0
  outputTokens = 0
  reasoningTokens = 0
  arrivedAt: number
  queuedAt = never
  startedAt = never
  firstTokenAt = never
  lastTokenAt = never
  /** Generation is over; what is left is to hand it out. */
  complete = false
  stopReason: string | number | null = null
  source: TextSource | undefined
  scanner: StopScanner | undefined
  /** Ids of its output, where blocks are made of them. */
  outputIds: number[] | undefined
  /** The LoRA slot it holds. */
  adapter: Adapter | undefined
  /** Tokens that its reader could not take yet, in the calls in which it will get them. */
  kept: Token[][] | undefined
  /** How it ended, while its reader does not know. */
  outcome: Outcome | undefined

  // What the pacer and the cache keep of it. Fields and not maps by sequence: a map that is filled and emptied all the
  // time leaves a chain of its former tables, which carries dead sequences into V8's old generation.
  pacing: Pacing | undefined
  stepped: SteppedRequest | undefined
  allocation: Allocation | undefined

  // The waiting queue's links and the order of arrival in it.
  previous: Sequence | undefined
  following: Sequence | undefined
  order = 0

  readonly #seed: Seed
  #timing: Random | undefined

  constructor(request: GenerationRequest, prompt: Prompt, index: number, reader: Reader, seed: Seed) {
    this.request = request
    this.prompt = prompt
    this.index = index
    this.reader = reader
    this.#seed = seed
    this.random = new SeededRandom(seed)
    this.promptTokens = prompt.tokenIds.length
    this.arrivedAt = request.arrival
  }

  get final(): boolean {
    return this.complete && !this.kept && !this.request.extraDelay
  }

  /** Its random stream for delays: apart from the text's, so that no text depends on when it is asked for. */
  get timing(): Random {
    const [a, b, c, d] = this.#seed
    return (this.#timing ??= new SeededRandom([a ^ timingWord, b, c, d]))
  }

  get parts(): readonly OutputPart[] | undefined {
    return this.source?.parts
  }
}
