/** Mean and percentiles of a list, which is sorted in place. */
export class Statistics {
  readonly #sorted: number[]
  readonly mean: number

  constructor(values: number[]) {
    this.#sorted = values.sort((a, b) => a - b)
    this.mean = values.length === 0 ? 0 : values.reduce((sum, value) => sum + value, 0) / values.length
  }

  /** Between two values linear, as NumPy. @param share in percent */
  percentile(share: number): number {
    const sorted = this.#sorted
    if (sorted.length === 0) return 0
    const place = ((sorted.length - 1) * share) / 100
    const below = Math.floor(place)
    const low = sorted[below]!
    return low + ((sorted[below + 1] ?? low) - low) * (place - below)
  }
}

/** The same of any number of values in little memory: they are counted in bins of 0.1 %. */
export class Bins {
  readonly #counts = new Map<number, number>()
  #count = 0
  #sum = 0

  add(value: number): void {
    this.#count++
    this.#sum += value
    const bin = value > 0 ? Math.round(Math.log(value) * 1000) : Number.NEGATIVE_INFINITY
    this.#counts.set(bin, (this.#counts.get(bin) ?? 0) + 1)
  }

  get mean(): number {
    return this.#count === 0 ? 0 : this.#sum / this.#count
  }

  /** @param share in percent */
  percentile(share: number): number {
    let left = ((this.#count - 1) * share) / 100
    for (const [bin, count] of [...this.#counts].sort(([a], [b]) => a - b)) {
      left -= count
      if (left < 0) return Math.exp(bin / 1000)
    }
    return 0
  }
}

/** Relative errors in percent: of mean and percentiles, and the mean of the single ones. */
export interface Errors {
  readonly mean: number
  readonly p50: number
  readonly p90: number
  readonly p99: number
  readonly mape: number
}

/** @param pairs measured and simulated */
export function errorsOf(pairs: readonly (readonly [measured: number, simulated: number])[]): Errors {
  const measured = new Statistics(pairs.map(([value]) => value))
  const simulated = new Statistics(pairs.map(([, value]) => value))
  const off = (a: number, b: number) => (a === 0 ? 0 : (b / a - 1) * 100)
  const at = (share: number) => off(measured.percentile(share), simulated.percentile(share))
  const single = pairs.filter(([value]) => value > 0).map(([a, b]) => Math.abs(off(a, b)))
  return {
    mean: off(measured.mean, simulated.mean),
    p50: at(50),
    p90: at(90),
    p99: at(99),
    mape: new Statistics(single).mean,
  }
}
