import type { EngineObserver, KvCacheEvent, ObservedSequence } from './events.ts'
import type { Outcome } from './request.ts'

/** Passes on to several observers what happens, in the order in which they were added. */
export class Observers implements Required<EngineObserver> {
  readonly #all: EngineObserver[]

  constructor(observers: readonly EngineObserver[]) {
    this.#all = [...observers]
  }

  add(observer: EngineObserver): void {
    this.#all.push(observer)
  }

  onQueued(sequence: ObservedSequence, now: number): void {
    for (const one of this.#all) one.onQueued?.(sequence, now)
  }

  onStarted(sequence: ObservedSequence, now: number): void {
    for (const one of this.#all) one.onStarted?.(sequence, now)
  }

  onPreempted(sequence: ObservedSequence, now: number): void {
    for (const one of this.#all) one.onPreempted?.(sequence, now)
  }

  onTokens(sequence: ObservedSequence, count: number, now: number): void {
    for (const one of this.#all) one.onTokens?.(sequence, count, now)
  }

  onStep(tokens: number, running: number, waiting: number, now: number): void {
    for (const one of this.#all) one.onStep?.(tokens, running, waiting, now)
  }

  onFinished(sequence: ObservedSequence, outcome: Outcome, now: number): void {
    for (const one of this.#all) one.onFinished?.(sequence, outcome, now)
  }

  onPrefixLookup(queried: number, hit: number): void {
    for (const one of this.#all) one.onPrefixLookup?.(queried, hit)
  }

  onCacheUsage(usage: number): void {
    for (const one of this.#all) one.onCacheUsage?.(usage)
  }

  onCacheEvent(event: KvCacheEvent, now: number): void {
    for (const one of this.#all) one.onCacheEvent?.(event, now)
  }

  onSleep(sleeping: boolean, level: number): void {
    for (const one of this.#all) one.onSleep?.(sleeping, level)
  }
}
