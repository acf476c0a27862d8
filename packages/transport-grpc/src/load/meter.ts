import type { EngineObserver, ObservedSequence } from '@vllm-sim/core-engine'

/** Throughput is that of the last two seconds (SMG's servicer), counted in pieces of a quarter of a second. */
const pieces = 8
const pieceLength = 250
/** The hit rate is that of the last first tokens. */
const lastHits = 64

/** What an engine does, as a load record tells it. Hangs on an engine as an observer. */
export class LoadMeter implements EngineObserver {
  /** Share of the KV cache that is in use, 0 to 1. */
  usage = 0
  /** Prompt tokens of the waiting sequences. None is known to be cached before its turn. */
  waitingTokens = 0
  /** Tokens per piece, and which piece, counted since the clock's zero, each place holds. */
  readonly #tokens = new Float64Array(pieces)
  readonly #piece = new Float64Array(pieces).fill(-1)
  readonly #prompt = new Float64Array(lastHits)
  readonly #cached = new Float64Array(lastHits)
  #firsts = 0
  #lastTokenAt = -1

  /** Clock time of the latest token, milliseconds; -1 before the first. */
  get lastTokenAt(): number {
    return this.#lastTokenAt
  }

  /** Tokens per second over the last two seconds. @param now clock time in milliseconds */
  throughput(now: number): number {
    const newest = Math.floor(now / pieceLength)
    let tokens = 0
    for (let place = 0; place < pieces; place++)
      if (this.#piece[place]! > newest - pieces) tokens += this.#tokens[place]!
    // The newest piece has only begun.
    return (tokens * 1000) / (now - (newest - pieces + 1) * pieceLength)
  }

  /** Share of prompt tokens that the prefix cache had, 0 to 1, over the last 64 first tokens; undefined without any. */
  get hitRate(): number | undefined {
    if (this.#firsts === 0) return undefined
    let prompt = 0
    let cached = 0
    for (let i = 0; i < lastHits; i++) {
      prompt += this.#prompt[i]!
      cached += this.#cached[i]!
    }
    return prompt === 0 ? 0 : cached / prompt
  }

  onQueued(sequence: ObservedSequence): void {
    this.waitingTokens += sequence.promptTokens
  }

  onStarted(sequence: ObservedSequence): void {
    if (sequence.queuedAt >= 0) this.#leaveQueue(sequence)
  }

  onTokens(sequence: ObservedSequence, count: number, now: number): void {
    const piece = Math.floor(now / pieceLength)
    const place = piece % pieces
    if (this.#piece[place] !== piece) {
      this.#piece[place] = piece
      this.#tokens[place] = 0
    }
    this.#tokens[place]! += count
    this.#lastTokenAt = now
    if (sequence.firstTokenAt >= 0) return
    const at = this.#firsts++ % lastHits
    this.#prompt[at] = sequence.promptTokens
    this.#cached[at] = sequence.cachedTokens
  }

  onFinished(sequence: ObservedSequence): void {
    if (sequence.startedAt < 0 && sequence.queuedAt >= 0) this.#leaveQueue(sequence)
  }

  onCacheUsage(usage: number): void {
    this.usage = usage
  }

  /** The meter may have come after the sequence, so that the sum does not know it. */
  #leaveQueue(sequence: ObservedSequence): void {
    this.waitingTokens = Math.max(0, this.waitingTokens - sequence.promptTokens)
  }
}
