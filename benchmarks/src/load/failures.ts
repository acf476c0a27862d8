import type { Answer } from './connection.ts'

/** Counts what went wrong and keeps the first few reasons. */
export class Failures {
  count = 0
  readonly #reasons = new Map<string, number>()

  /** @returns whether the answer is a success */
  check(answer: Answer, problem = answer.problem): boolean {
    const reason = problem ?? (answer.status === 200 ? undefined : `status ${answer.status}`)
    if (reason === undefined) return true
    this.add(reason)
    return false
  }

  add(reason: string): void {
    this.count++
    if (this.#reasons.has(reason) || this.#reasons.size < 5)
      this.#reasons.set(reason, (this.#reasons.get(reason) ?? 0) + 1)
  }

  /** `3 × status 503, 1 × …` */
  get text(): string {
    return [...this.#reasons].map(([reason, count]) => `${count} × ${reason}`).join(', ')
  }
}
