import type { EngineObserver, EngineSnapshot, ObservedSequence } from '@vllm-sim/core-engine'
import type { Clock } from '@vllm-sim/latency'
import type { Logger } from '@vllm-sim/service'

/** Lookups that the hit rate covers, as in vLLM. */
const recentLookups = 1000

export interface StatsLogOptions {
  readonly log: Logger
  /** The engine's clock: throughput is per simulated second. */
  readonly clock: Clock
  /** The machine's clock, which says when a line is due. */
  readonly timer: Clock
  /** Milliseconds between lines. */
  readonly interval: number
  readonly engineIndex: number
  readonly snapshot: () => EngineSnapshot
}

/** vLLM's periodic line with throughput and queue lengths, written only when something happened. */
export class StatsLog implements EngineObserver {
  readonly #options: StatsLogOptions
  #promptTokens = 0
  #generatedTokens = 0
  #lookups: { readonly queried: number; readonly hit: number }[] = []
  #since: number
  #wasActive = false
  #timer: { cancel(): void } | undefined

  constructor(options: StatsLogOptions) {
    this.#options = options
    this.#since = options.clock.now()
  }

  start(): void {
    const { timer, interval, clock } = this.#options
    this.#since = clock.now()
    const due = (): void => {
      this.#write()
      this.#timer = timer.timer(interval, due)
    }
    this.#timer = timer.timer(interval, due)
  }

  stop(): void {
    this.#timer?.cancel()
  }

  onTokens(sequence: ObservedSequence, count: number): void {
    if (sequence.firstTokenAt < 0) this.#promptTokens += sequence.promptTokens
    this.#generatedTokens += count
  }

  onPrefixLookup(queried: number, hit: number): void {
    if (this.#lookups.length >= 2 * recentLookups) this.#lookups = this.#lookups.slice(-recentLookups)
    this.#lookups.push({ queried, hit })
  }

  #write(): void {
    const { log, clock, engineIndex, snapshot } = this.#options
    const now = clock.now()
    const seconds = (now - this.#since) / 1000
    const { running, waiting, cacheUsage } = snapshot()
    const active = this.#promptTokens + this.#generatedTokens + running + waiting > 0
    // One more line after the last activity tells that all is quiet.
    if (active || this.#wasActive) {
      log.info(
        `Engine ${String(engineIndex).padStart(3, '0')}: ` +
          `Avg prompt throughput: ${(this.#promptTokens / seconds).toFixed(1)} tokens/s, ` +
          `Avg generation throughput: ${(this.#generatedTokens / seconds).toFixed(1)} tokens/s, ` +
          `Running: ${running} reqs, Waiting: ${waiting} reqs, ` +
          `GPU KV cache usage: ${(100 * cacheUsage).toFixed(1)}%, Prefix cache hit rate: ${this.#hitRate().toFixed(1)}%`,
      )
    }
    this.#wasActive = active
    this.#promptTokens = 0
    this.#generatedTokens = 0
    this.#since = now
  }

  /** In percent. */
  #hitRate(): number {
    let queried = 0
    let hit = 0
    for (const lookup of this.#lookups.slice(-recentLookups)) {
      queried += lookup.queried
      hit += lookup.hit
    }
    return queried === 0 ? 0 : (100 * hit) / queried
  }
}
