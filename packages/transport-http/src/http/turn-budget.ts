import type { Clock } from '@vllm-sim/core-engine'

/** What all calls from outside may take together of one turn of the event loop. */
export class TurnBudget {
  readonly #clock: Clock
  readonly #budget: number
  #end = Number.NEGATIVE_INFINITY
  #turn = Number.NaN

  /**
   * @param clock of the machine; the work is real
   * @param budget milliseconds; a turn that begins within those of an earlier one may have up to twice as many
   */
  constructor(clock: Clock, budget: number) {
    this.#clock = clock
    this.#budget = budget
  }

  /** Whether this turn has time left. */
  get hasTime(): boolean {
    const clock = this.#clock
    const now = clock.now()
    if (now <= this.#end) return true
    // Time alone does not tell a long turn from a later one.
    const turn = clock.eventLoopTurn
    if (turn === this.#turn) return false
    this.#turn = turn
    this.#end = now + this.#budget
    return true
  }
}
