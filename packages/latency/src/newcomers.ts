/** So many turns in a row with a new connection are a crowd. */
const crowd = 4
/** Of so many turns one is for long work while they come. Not a time: turns take long on a machine that has other work. */
const crowdTurns = 32

/**
 * Connections that were accepted. The event loop accepts one per turn, so that a burst would wait for as many full turns:
 * while they come, most turns are without long work.
 */
export class Newcomers {
  /** The last turn of the event loop with a new connection, and how many of them there were in a row. */
  #turn = Number.NEGATIVE_INFINITY
  #turns = 0
  /** The last turn of the event loop that had long work. */
  #workTurn = Number.NEGATIVE_INFINITY

  /** A connection was accepted in this turn of the event loop. */
  came(turn: number): void {
    if (turn === this.#turn) return
    this.#turns = turn === this.#turn + 1 ? this.#turns + 1 : 1
    this.#turn = turn
  }

  /** Whether there were so many lately that long work has to ask `takeTurn`. */
  get crowded(): boolean {
    return this.#turns >= crowd
  }

  /** Takes a turn of the event loop for long work. @returns false when it is left to newcomers, and work has to wait for a later one */
  takeTurn(turn: number): boolean {
    const coming = this.crowded && turn <= this.#turn + 1
    if (coming && turn > this.#workTurn && turn < this.#workTurn + crowdTurns) return false
    this.#workTurn = turn
    return true
  }
}
