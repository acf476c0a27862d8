import { Deadline, type LatencyModel, type Timeline } from '@vllm-sim/latency'
import type { Sequence } from './sequence.ts'

/** What a pacer needs from the engine. */
export interface PacerHost {
  readonly timeline: Timeline
  /** The model in force; it may change between two calls. */
  readonly latency: LatencyModel
  /** Sequences that run at this moment. */
  readonly running: number
  /**
   * Generates the sequence's next token. Call `deliver` for the same sequence before the next one's turn.
   * @returns false when that was its last, or when it has none to give
   */
  produce(sequence: Sequence): boolean
  /**
   * Hands out what was produced since the last call and, when the sequence is complete, ends it.
   * @param now time of the wake-up
   */
  deliver(sequence: Sequence, now: number): void
}

/**
 * Decides when the tokens of running sequences are due. One implementation gives every sequence deadlines of its own;
 * another may give all of them the deadline of a shared engine step.
 */
export interface Pacer {
  /** The sequence runs from `now` on. May produce and deliver at once what is due at once. */
  start(sequence: Sequence, now: number): void
  /** The sequence ended or its reader is gone. Harmless when the pacer does not know it. */
  stop(sequence: Sequence): void
  /** The reader is behind: produce nothing until `resume`. Time goes on meanwhile. */
  hold(sequence: Sequence): void
  /** What became due while the sequence was held is due now. */
  resume(sequence: Sequence): void
}

export type PacerFactory = (host: PacerHost) => Pacer

/** Tokens of one sequence that leave in one wake-up at most, so that others get their turn. */
const batchLimit = 1024

/** The pacing of llm-d-inference-sim: time to first token, then one inter-token latency after another. */
export const perSequencePacer: PacerFactory = host => new PerSequencePacer(host)

class PerSequencePacer implements Pacer {
  readonly #host: PacerHost

  constructor(host: PacerHost) {
    this.#host = host
  }

  start(sequence: Sequence, now: number): void {
    const { latency, running, timeline } = this.#host
    const delay = latency.firstToken(
      {
        promptTokens: sequence.promptTokens,
        cachedTokens: sequence.cachedTokens,
        remotePrefill: sequence.request.kvTransfer?.doRemotePrefill ?? false,
      },
      running,
      sequence.random,
    )
    const paced = new PacedSequence(this.#host, sequence, now + delay)
    sequence.pacing = paced
    if (delay <= 0) paced.onDue(now)
    else timeline.schedule(paced, paced.nextDue)
  }

  stop(sequence: Sequence): void {
    const paced = pacedOf(sequence)
    if (!paced) return
    this.#host.timeline.cancel(paced)
    sequence.pacing = undefined
  }

  hold(sequence: Sequence): void {
    const paced = pacedOf(sequence)
    if (!paced) return
    paced.held = true
    this.#host.timeline.cancel(paced)
  }

  resume(sequence: Sequence): void {
    const paced = pacedOf(sequence)
    if (!paced?.held) return
    paced.held = false
    this.#host.timeline.schedule(paced, paced.nextDue)
  }
}

function pacedOf(sequence: Sequence): PacedSequence | undefined {
  return sequence.pacing as PacedSequence | undefined
}

class PacedSequence extends Deadline {
  /** When the next token is due. */
  nextDue: number
  held = false
  readonly #host: PacerHost
  readonly #sequence: Sequence
  // Deadlines are counted from an anchor while the interval stays the same, so that no rounding adds up.
  #anchor: number
  #steps = 0
  #interval = Number.NaN

  constructor(host: PacerHost, sequence: Sequence, firstDue: number) {
    super()
    this.#host = host
    this.#sequence = sequence
    this.#anchor = firstDue
    this.nextDue = firstDue
  }

  override onDue(now: number): void {
    const host = this.#host
    const sequence = this.#sequence
    let more = true
    for (let count = 0; more && count < batchLimit && this.nextDue <= now; count++) {
      more = host.produce(sequence)
      if (more && !sequence.source?.nextIsFree) this.#step(host.latency.interToken(host.running, sequence.random))
    }
    host.deliver(sequence, now)
    if (sequence.status === 'running' && !this.held && more) host.timeline.schedule(this, this.nextDue)
  }

  #step(interval: number): void {
    if (interval !== this.#interval) {
      this.#anchor = this.nextDue
      this.#steps = 0
      this.#interval = interval
    }
    this.nextDue = this.#anchor + ++this.#steps * interval
  }
}
