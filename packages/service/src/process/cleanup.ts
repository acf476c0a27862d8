import type { Clock } from '@vllm-sim/latency'

/**
 * What has to be done before the process, or a thread, may end by force. A ZMQ socket that waits for a message, for
 * one, aborts the process when its thread is torn down around it.
 */
export class Cleanup {
  readonly #clock: Clock
  readonly #limit: number
  readonly #steps: (() => Promise<void>)[] = []
  #running: Promise<void> | undefined

  /** @param limit milliseconds after which `run` waits no longer */
  constructor(clock: Clock, limit: number) {
    this.#clock = clock
    this.#limit = limit
  }

  /** Adds a step; it must be harmless when what it ends has ended already. */
  add(step: () => Promise<void>): void {
    if (this.#running) step().catch(() => {})
    else this.#steps.push(step)
  }

  /** Takes all steps, once. Does not fail. */
  run(): Promise<void> {
    this.#running ??= this.#run()
    return this.#running
  }

  async #run(): Promise<void> {
    const late = Promise.withResolvers<void>()
    const timer = this.#clock.timer(this.#limit, late.resolve)
    await Promise.race([late.promise, Promise.allSettled(this.#steps.map(step => step()))])
    timer.cancel()
  }
}
