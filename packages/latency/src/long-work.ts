import { Newcomers } from './newcomers.ts'

/** How long the pieces that run in one turn of the event loop may take together, milliseconds. */
const turnBudget = 8
/** Pieces of one turn, however small they are. */
const mostPieces = 64

/** Changes from one turn of the event loop to the next. */
export function eventLoopTurn(): number {
  return performance.nodeTiming.uvMetricsInfo.loopCount
}

/**
 * Pieces of long work, first in, first out. However many are ready, those of one turn of the event loop end when its time
 * is over, and input, output and timers get their turn before the others.
 */
export class LongWork {
  #pieces: (() => void)[] = []
  #next = 0
  /** Calls that the event loop will make in its next turn, each for one piece. */
  #calls = 0
  #turn = Number.NaN
  #end = 0
  readonly #newcomers = new Newcomers()

  /** Runs a piece in a later turn; what it has promised to others runs right after it. */
  add(piece: () => void): void {
    this.#pieces.push(piece)
    this.#call()
  }

  #call(): void {
    if (this.#calls >= Math.min(mostPieces, this.#pieces.length - this.#next)) return
    this.#calls++
    setImmediate(this.#one)
  }

  /** A connection was accepted: while a crowd comes, most turns are without long work. */
  newcomer(): void {
    this.#newcomers.came(eventLoopTurn())
  }

  readonly #one = (): void => {
    this.#calls--
    const turn = eventLoopTurn()
    if (turn !== this.#turn) {
      this.#turn = turn
      this.#end = this.#newcomers.takeTurn(turn) ? performance.now() + turnBudget : Number.NEGATIVE_INFINITY
    }
    if (performance.now() > this.#end) {
      this.#call()
      return
    }
    const piece = this.#pieces[this.#next++]!
    // Looked at from time to time: what is over must not be held for as long as more comes.
    if (this.#next === this.#pieces.length || this.#next > 1024) {
      this.#pieces = this.#pieces.slice(this.#next)
      this.#next = 0
    }
    this.#call()
    piece()
  }
}

/** The machine's long work: all real clocks show the same time and share it. */
export const longWork = new LongWork()
