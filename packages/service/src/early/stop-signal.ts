/**
 * SIGINT and SIGTERM, from the first moment on: the first one asks for an orderly end, the second one ends the process
 * at once with status 1. Imports nothing, so that it can be in force before everything else is loaded.
 */
export class StopSignal {
  readonly #controller = new AbortController()
  /** Resolves with the name of the first signal. */
  readonly requested: Promise<string>
  /** What even a sudden end has to wait for; a third signal does not wait. Must not take long. */
  beforeSuddenEnd: (() => Promise<void>) | undefined

  #signals = 0

  constructor() {
    const { promise, resolve } = Promise.withResolvers<string>()
    this.requested = promise
    const receive = (name: string): void => {
      const { beforeSuddenEnd } = this
      this.#signals++
      if (this.#signals === 1) {
        this.#controller.abort()
        resolve(name)
      } else if (this.#signals === 2 && beforeSuddenEnd) void beforeSuddenEnd().finally(() => process.exit(1))
      else process.exit(1)
    }
    process.on('SIGINT', receive)
    process.on('SIGTERM', receive)
  }

  /** A second signal came: whatever ends the process now, its status is 1. */
  get sudden(): boolean {
    return this.#signals > 1
  }

  /** Aborted with the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }
}
