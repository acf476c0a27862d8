/** A timer, for giving up on a server that has gone silent. */
export interface IdleTimer {
  /** Calls `run` once, `delay` milliseconds from now. */
  timer(delay: number, run: () => void): { cancel(): void }
}

/** When a transfer ends early. */
export interface IdleOptions {
  signal?: AbortSignal | undefined
  clock?: IdleTimer | undefined
  /** Milliseconds. */
  idleTimeout?: number | undefined
}

/** Aborts when the caller does, or when `touch` was not called for the time that is allowed. */
export class IdleLimit {
  readonly signal: AbortSignal | undefined
  expired = false
  readonly #options: IdleOptions
  readonly #controller = new AbortController()
  #timer: { cancel(): void } | undefined

  constructor(options: IdleOptions) {
    this.#options = options
    const signals = [options.signal, options.idleTimeout === undefined ? undefined : this.#controller.signal]
    const present = signals.filter(signal => signal !== undefined)
    this.signal = present.length > 0 ? AbortSignal.any(present) : undefined
    this.touch()
  }

  get seconds(): number {
    return (this.#options.idleTimeout ?? 0) / 1000
  }

  touch(): void {
    this.#timer?.cancel()
    const { clock, idleTimeout } = this.#options
    if (idleTimeout === undefined) return
    this.#timer = clock?.timer(idleTimeout, () => {
      this.expired = true
      this.#controller.abort()
    })
  }

  [Symbol.dispose](): void {
    this.#timer?.cancel()
  }
}
