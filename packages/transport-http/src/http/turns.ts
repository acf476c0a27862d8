import { type Clock, turnBudget } from '@vllm-sim/core-engine'

/** Lets others have their turn during work that comes in parts. */
export class Turns {
  readonly #clock: Clock
  #end: number

  /** @param clock of the machine; the work is real */
  constructor(clock: Clock) {
    this.#clock = clock
    this.#end = clock.now() + turnBudget
  }

  /** To be called, and awaited, between two parts. @returns undefined while there is time left in this turn */
  next(): Promise<void> | undefined {
    if (this.#clock.now() < this.#end) return undefined
    return new Promise(resolve =>
      this.#clock.whenFree(() => {
        this.#end = this.#clock.now() + turnBudget
        resolve()
      }),
    )
  }
}
