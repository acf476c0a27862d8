/** Whether requests are served, and who wants to know when that changes. */
export class Readiness {
  #reason: string | undefined
  readonly #listeners = new Set<() => void>()

  /** @param reason why requests are not served yet; undefined when they are */
  constructor(reason?: string) {
    this.#reason = reason
  }

  /** Why requests are not served; undefined when they are. */
  get reason(): string | undefined {
    return this.#reason
  }

  /** @param reason undefined: requests are served from now on */
  set(reason: string | undefined): void {
    if (reason === this.#reason) return
    this.#reason = reason
    for (const listener of [...this.#listeners]) listener()
  }

  /** Calls `listener` after each change. @returns ends that */
  onChange(listener: () => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}
