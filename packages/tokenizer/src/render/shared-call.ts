import type { Cancel } from '../types.ts'

/** One call that several may wait for. It ends when the last of them has left. */
export class SharedCall<T> {
  readonly #abort = new AbortController()
  readonly #result: Promise<T>
  #waiting = 0

  constructor(start: (signal: AbortSignal) => Promise<T>) {
    this.#result = start(this.#abort.signal)
    // Those who wait hear of a failure; when all have left nobody needs to.
    this.#result.catch(() => {})
  }

  /** Whether everybody has left: who comes now needs a call of their own. */
  get abandoned(): boolean {
    return this.#abort.signal.aborted
  }

  /** @returns the call's result; rejected with the signal's reason when that is aborted first */
  wait(cancel?: Cancel): Promise<T> {
    const signal = cancel?.signal
    this.#waiting += 1
    if (!signal) return this.#result
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        reject(signal.reason)
        if (--this.#waiting === 0) this.#abort.abort(signal.reason)
      }
      if (signal.aborted) return leave()
      signal.addEventListener('abort', leave, { once: true })
      const settled = (): void => signal.removeEventListener('abort', leave)
      this.#result.then(resolve, reject).then(settled)
    })
  }
}
