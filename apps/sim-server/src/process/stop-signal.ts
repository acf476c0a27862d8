/**
 * SIGINT and SIGTERM, from the first moment on: the first one asks for an orderly end, the second one ends the process
 * at once with status 1. Imports nothing, so that it can be in force before everything else is loaded.
 */
export class StopSignal {
  readonly #controller = new AbortController()
  /** Resolves with the name of the first signal. */
  readonly requested: Promise<string>

  constructor() {
    const { promise, resolve } = Promise.withResolvers<string>()
    this.requested = promise
    const receive = (name: string): void => {
      if (this.#controller.signal.aborted) process.exit(1)
      this.#controller.abort()
      resolve(name)
    }
    process.on('SIGINT', receive)
    process.on('SIGTERM', receive)
  }

  /** Aborted with the first signal. */
  get signal(): AbortSignal {
    return this.#controller.signal
  }
}
