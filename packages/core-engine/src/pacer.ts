import type { LatencyModel, LatencyStep, Random, Timeline } from '@vllm-sim/latency'
import type { RequestError } from './errors.ts'
import { Pacing, type Sequence } from './sequence.ts'
import { batchLimit } from './submission.ts'

/** What a pacer needs from the engine. */
export interface PacerHost {
  readonly timeline: Timeline
  /** The model in force; it may change between two calls. */
  readonly latency: LatencyModel
  /** Sequences that run at this moment. */
  readonly running: number
  /** Sequences that wait for a slot at this moment. */
  readonly waiting: number
  /**
   * `due` further tokens of the sequence are due: generates them, hands them out and, when they were the last, ends it.
   * @param now time of the wake-up
   * @returns whether the sequence goes on
   */
  advance(sequence: Sequence, due: number, now: number): boolean
  /**
   * Gives a sequence that waits its text, ahead of `start`.
   * @returns false: it ended with an error
   */
  open(sequence: Sequence, now: number): boolean
  /**
   * The sequence got its slot, for the first time or again: it gets its blocks, and its text unless it has it.
   * @returns false: it ended
   */
  start(sequence: Sequence, now: number): boolean
  /** A running sequence lost its slot for want of KV blocks and waits again. */
  preempted(sequence: Sequence, now: number): void
  /** A step that all running sequences share ended. @param tokens generated, and the prompts of first tokens */
  stepped(tokens: number, now: number): void
  /** Ends a sequence with an error. */
  refuse(sequence: Sequence, error: RequestError, now: number): void
}

/**
 * Decides when the tokens of running sequences are due. One implementation gives every sequence deadlines of its own;
 * another may give all of them the deadline of a shared engine step.
 */
export interface Pacer {
  /** Admission chose the sequence at `now`. May advance at once what is due at once. */
  start(sequence: Sequence, now: number): void
  /** The sequence ended. Harmless when the pacer does not know it. */
  stop(sequence: Sequence): void
  /** There is no room for what readers do not take: no tokens of this sequence until `resume`. Time goes on meanwhile. */
  hold(sequence: Sequence): void
  /** What became due while the sequence was held is due now. Harmless when it is not held. */
  resume(sequence: Sequence): void
}

/** The pacing of llm-d-inference-sim: time to first token, then one inter-token latency after another. */
export class PerSequencePacer implements Pacer {
  readonly #host: PacerHost
  readonly #step: ReusedStep

  constructor(host: PacerHost) {
    this.#host = host
    this.#step = new ReusedStep(host)
  }

  start(sequence: Sequence, now: number): void {
    const host = this.#host
    if (!host.start(sequence, now)) return
    const step = this.#step
    step.sequence = sequence
    step.outputTokens = 0
    const delay = host.latency.firstToken(step)
    const paced = new PacedSequence(host, step, sequence, now + delay)
    sequence.pacing = paced
    if (delay <= 0) paced.onDue(now)
    else host.timeline.schedule(paced, paced.nextDue)
  }

  stop(sequence: Sequence): void {
    const paced = sequence.pacing
    if (!paced) return
    this.#host.timeline.cancel(paced)
    sequence.pacing = undefined
  }

  hold(sequence: Sequence): void {
    const paced = sequence.pacing
    if (!paced) return
    paced.held = true
    this.#host.timeline.cancel(paced)
  }

  resume(sequence: Sequence): void {
    const paced = sequence.pacing
    if (!paced?.held) return
    paced.held = false
    this.#host.timeline.schedule(paced, paced.nextDue)
  }
}

/** What a latency model is told, of one sequence after another. What it does not ask for costs nothing. */
class ReusedStep implements LatencyStep {
  /** The sequence that the next delay is for. */
  sequence: Sequence | undefined
  outputTokens = 0
  readonly #host: PacerHost

  constructor(host: PacerHost) {
    this.#host = host
  }

  get running(): number {
    return this.#host.running
  }

  get waiting(): number {
    return this.#host.waiting
  }

  get promptTokens(): number {
    return this.sequence!.promptTokens
  }

  get cachedTokens(): number {
    return this.sequence!.cachedTokens
  }

  get contextTokens(): number {
    return this.sequence!.promptTokens + this.outputTokens
  }

  get remotePrefill(): boolean {
    return this.sequence!.request.kvTransfer?.doRemotePrefill ?? false
  }

  get random(): Random {
    return this.sequence!.timing
  }
}

/** The deadlines of one sequence. */
class PacedSequence extends Pacing {
  readonly #host: PacerHost
  readonly #step: ReusedStep
  readonly #sequence: Sequence
  // Deadlines are counted from an anchor while the interval stays the same, so that no rounding adds up.
  #anchor: number
  #steps = 0
  #interval = Number.NaN

  constructor(host: PacerHost, step: ReusedStep, sequence: Sequence, firstDue: number) {
    super(firstDue)
    this.#host = host
    this.#step = step
    this.#sequence = sequence
    this.#anchor = firstDue
  }

  override onDue(now: number): void {
    const host = this.#host
    const sequence = this.#sequence
    const step = this.#step
    step.sequence = sequence
    step.outputTokens = sequence.generatedTokens + 1
    this.#move(host.latency.interToken(step))
    const due = this.nextDue <= now ? this.#further(now) : 1
    if (!host.advance(sequence, due, now) || this.held) return
    // What is left of a long piece waits behind all that has a time, and behind other long pieces.
    if (this.nextDue <= now) host.timeline.defer(this)
    else host.timeline.schedule(this, this.nextDue)
  }

  /** Counts what is due beside one token that is, up to a piece. Nobody asks for delays beyond the limit of the request. */
  #further(now: number): number {
    const { latency } = this.#host
    const { request, generatedTokens } = this.#sequence
    const left = (request.limits.maxTokens ?? batchLimit) - generatedTokens
    // Texts that the limit does not cut go on in whole pieces.
    const most = left > 0 && left < batchLimit ? left : batchLimit
    let due = 1
    for (; due < most && this.nextDue <= now; due++) {
      this.#step.outputTokens++
      this.#move(latency.interToken(this.#step))
    }
    return due
  }

  #move(interval: number): void {
    if (interval !== this.#interval) {
      this.#anchor = this.nextDue
      this.#steps = 0
      this.#interval = interval
    }
    this.nextDue = this.#anchor + ++this.#steps * interval
  }
}
