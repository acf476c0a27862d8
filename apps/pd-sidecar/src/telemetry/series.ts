/** Upper bounds of the buckets of durations, seconds: those of llm-d's sidecar. */
const buckets = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 120, 300]

/** A series of `/metrics`. */
export interface Series {
  readonly name: string
  readonly help: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  /** Lines of values. */
  lines(): string[]
}

/** Counts by the value of one label; values that are known ahead are there from the start. */
export class Counter implements Series {
  readonly type = 'counter'
  readonly name: string
  readonly help: string
  readonly #label: string
  readonly #values: Map<string, number>

  /** @param label empty for a series without; `known` is then left out */
  constructor(name: string, help: string, label = '', known: readonly string[] = ['']) {
    this.name = name
    this.help = help
    this.#label = label
    this.#values = new Map(known.map(value => [value, 0]))
  }

  inc(value = ''): void {
    this.#values.set(value, (this.#values.get(value) ?? 0) + 1)
  }

  lines(): string[] {
    return [...this.#values].map(([value, count]) =>
      this.#label === '' ? `${this.name} ${count}` : `${this.name}{${this.#label}="${value}"} ${count}`,
    )
  }
}

/** A number that goes up and down, by the value of one label. */
export class Gauge implements Series {
  readonly type = 'gauge'
  readonly name: string
  readonly help: string
  readonly #label: string
  readonly #values: Map<string, number>

  constructor(name: string, help: string, label: string, known: readonly string[]) {
    this.name = name
    this.help = help
    this.#label = label
    this.#values = new Map(known.map(value => [value, 0]))
  }

  add(value: string, amount: 1 | -1): void {
    this.#values.set(value, (this.#values.get(value) ?? 0) + amount)
  }

  lines(): string[] {
    return [...this.#values].map(([value, count]) => `${this.name}{${this.#label}="${value}"} ${count}`)
  }
}

/** Durations in seconds. */
export class Histogram implements Series {
  readonly type = 'histogram'
  readonly name: string
  readonly help: string
  readonly #counts = new Float64Array(buckets.length + 1)
  #sum = 0

  constructor(name: string, help: string) {
    this.name = name
    this.help = help
  }

  observe(seconds: number): void {
    const at = buckets.findIndex(bound => seconds <= bound)
    this.#counts[at < 0 ? buckets.length : at]!++
    this.#sum += seconds
  }

  lines(): string[] {
    let total = 0
    const lines = [...buckets, '+Inf'].map((bound, at) => {
      total += this.#counts[at]!
      return `${this.name}_bucket{le="${bound}"} ${total}`
    })
    return [...lines, `${this.name}_sum ${this.#sum}`, `${this.name}_count ${total}`]
  }
}

/** Series as Prometheus reads them. */
export function exposition(series: readonly Series[]): string {
  return series
    .map(one => `# HELP ${one.name} ${one.help}\n# TYPE ${one.name} ${one.type}\n${one.lines().join('\n')}\n`)
    .join('')
}
