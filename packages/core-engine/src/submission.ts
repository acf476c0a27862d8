import { Deadline, type Timeline } from '@vllm-sim/latency'
import type { Linked } from './linked-list.ts'
import type { Outcome, OutputSink, RequestHandle } from './request.ts'
import type { Reader, Sequence } from './sequence.ts'
import type { Token, TokenBatch } from './token.ts'

/** Tokens that one call of a sink gets at most. */
export const batchLimit = 128
/** Tokens that may be kept for readers that are behind, of all requests together: 16 MB of references. */
const maxKept = 2 ** 21

/** What submissions need of their engine. */
export interface SubmissionHost {
  readonly timeline: Timeline
  /** Tokens that are kept for readers that are behind, of all requests together. */
  kept: number
  /** No tokens of a sequence when there is no room for what it generates; again when its reader has caught up. */
  readonly pacer: { hold(sequence: Sequence): void; resume(sequence: Sequence): void }
  /** An ended sequence was delivered to its end, later than it ended. */
  delivered(): void
  /** Has every request until all of its sequences were delivered to their end. */
  readonly requests: { remove(submission: Submission): void }
  abort(submission: Submission): void
}

/**
 * A request in the engine: its sequences and its reader. A reader that is behind stops no sequence: what they generate
 * waits here for it, as in vLLM, and their slots are free when their last token is generated.
 */
export class Submission extends Deadline implements RequestHandle, Reader, Linked<Submission> {
  readonly sequences: Sequence[] = []
  previous: Submission | undefined
  following: Submission | undefined
  readonly #host: SubmissionHost
  readonly #sink: OutputSink
  #held = false
  #finished = 0
  /** Sequences with kept tokens, in the order in which they go on. */
  #behind: Sequence[] | undefined

  constructor(host: SubmissionHost, sink: OutputSink) {
    super()
    this.#host = host
    this.#sink = sink
  }

  abort(): void {
    this.#host.abort(this)
  }

  resume(): void {
    if (!this.#held) return
    this.#held = false
    if (this.#behind) this.#host.timeline.defer(this)
  }

  tokens(sequence: Sequence, batch: TokenBatch): void {
    if (this.#held || sequence.kept) this.#keep(sequence, batch)
    else this.#deliver(sequence, batch.tokens, batch.count)
  }

  finish(sequence: Sequence, outcome: Outcome): boolean {
    if (sequence.kept) {
      sequence.outcome = outcome
      return false
    }
    this.#finish(sequence, outcome)
    return true
  }

  /** Drops what is kept; nobody will read it. Sequences that had ended end for their reader as well, with `abort`. */
  forget(): void {
    const behind = this.#behind
    if (!behind) return
    this.#host.timeline.cancel(this)
    this.#behind = undefined
    for (const sequence of behind) {
      for (const chunk of sequence.kept ?? []) this.#host.kept -= chunk.length
      sequence.kept = undefined
      const { outcome } = sequence
      if (!outcome) continue
      sequence.outcome = undefined
      this.#finish(sequence, { ...outcome, finishReason: 'abort' })
      this.#host.delivered()
    }
  }

  /** A piece of what is kept, so that a reader that catches up stops nobody else. */
  override onDue(): void {
    const sequence = this.#behind?.[0]
    if (!sequence?.kept || this.#held) return
    const chunk = sequence.kept.shift()!
    this.#host.kept -= chunk.length
    if (sequence.kept.length === 0) {
      sequence.kept = undefined
      this.#behind!.shift()
      if (this.#behind!.length === 0) this.#behind = undefined
    }
    this.#deliver(sequence, chunk, chunk.length)
    if (!sequence.kept) this.#caughtUp(sequence)
    if (this.#behind && !this.#held) this.#host.timeline.defer(this)
  }

  #caughtUp(sequence: Sequence): void {
    const { outcome } = sequence
    if (!outcome) {
      this.#host.pacer.resume(sequence)
      return
    }
    sequence.outcome = undefined
    this.#finish(sequence, outcome)
    this.#host.delivered()
  }

  #finish(sequence: Sequence, outcome: Outcome): void {
    if (++this.#finished === this.sequences.length) this.#host.requests.remove(this)
    this.#sink.onFinish(sequence, outcome)
  }

  #deliver(sequence: Sequence, tokens: readonly Token[], count: number): void {
    sequence.outputTokens += count
    if (!this.#sink.onTokens(sequence, tokens, count)) this.#held = true
  }

  #keep(sequence: Sequence, { tokens, count }: TokenBatch): void {
    if (!sequence.kept) {
      sequence.kept = [[]]
      this.#behind ??= []
      this.#behind.push(sequence)
    }
    let last = sequence.kept.at(-1)!
    for (let at = 0; at < count; at++) {
      if (last.length >= batchLimit) sequence.kept.push((last = []))
      last.push(tokens[at]!)
    }
    this.#host.kept += count
    if (this.#host.kept >= maxKept) this.#host.pacer.hold(sequence)
  }
}
