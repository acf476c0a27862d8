import { Numbers, quantile } from '../measure/quantiles.ts'

/** The timing a server was configured with, milliseconds. */
export interface Pace {
  /** Time to first token. */
  readonly ttft: number
  /** Time from one token to the next; 0: as fast as it can. */
  readonly itl: number
}

/** Milliseconds, but for `driftPercent`. What does not apply is absent. */
export interface PacingSummary {
  /** Arrival of the first token after the time it was configured for. */
  readonly ttftOverP50: number
  readonly ttftOverP99: number
  readonly ttftOverMax: number
  /** Arrival of token k against (arrival of the first token + k * itl): p50 with sign, p99 and max of its size. */
  readonly lateP50?: number
  readonly lateP99?: number
  readonly lateMax?: number
  /** Arrival of token k against (request sent + ttft + k * itl). */
  readonly overdueP50?: number
  readonly overdueP99?: number
  readonly overdueMax?: number
  /** Mean over the streams of how much longer a stream took than (tokens - 1) * itl, percent. */
  readonly driftPercent?: number
}

/** Collects when tokens arrived and compares it with absolute due times, so that delays that add up are seen as such. */
export class Pacing {
  readonly #pace: Pace
  readonly #ttft = new Numbers()
  readonly #late = new Numbers()
  readonly #size = new Numbers()
  readonly #overdue = new Numbers()
  #stretch = 0
  #stretched = 0

  constructor(pace: Pace) {
    this.#pace = pace
  }

  /**
   * Adds one stream.
   * @param sent when its request was sent, its connection included
   * @param arrivals when its tokens arrived; the first `count` entries count
   */
  add(sent: number, arrivals: ArrayLike<number>, count: number): void {
    if (count === 0) return
    const { ttft, itl } = this.#pace
    const first = arrivals[0]!
    this.#ttft.push(first - sent - ttft)
    if (itl === 0 || count < 2) return
    for (let k = 0; k < count; k++) {
      const arrival = arrivals[k]!
      const late = arrival - first - k * itl
      this.#late.push(late)
      this.#size.push(Math.abs(late))
      this.#overdue.push(arrival - sent - ttft - k * itl)
    }
    this.#stretch += (arrivals[count - 1]! - first) / ((count - 1) * itl) - 1
    this.#stretched++
  }

  summary(): PacingSummary {
    const ttft = this.#ttft.sorted()
    const start = {
      ttftOverP50: quantile(ttft, 0.5),
      ttftOverP99: quantile(ttft, 0.99),
      ttftOverMax: quantile(ttft, 1),
    }
    if (this.#stretched === 0) return start
    const late = this.#late.sorted()
    const size = this.#size.sorted()
    const overdue = this.#overdue.sorted()
    return {
      ...start,
      lateP50: quantile(late, 0.5),
      lateP99: quantile(size, 0.99),
      lateMax: quantile(size, 1),
      overdueP50: quantile(overdue, 0.5),
      overdueP99: quantile(overdue, 0.99),
      overdueMax: quantile(overdue, 1),
      driftPercent: (100 * this.#stretch) / this.#stretched,
    }
  }
}
