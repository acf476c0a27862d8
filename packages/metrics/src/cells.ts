import { tokenBounds } from './bounds.ts'
import { type MetricKey, metricRows, type metricTable } from './table/index.ts'
import type { MetricRow } from './table/row.ts'

/** A counter or gauge. Written directly: `cell.value += 1` is all that the hot path pays. */
export class Scalar {
  value = 0
}

/** Number and sum of observations. */
export class Summary {
  count = 0
  sum = 0

  observe(value: number): void {
    this.count++
    this.sum += value
  }
}

/**
 * A histogram in plain arrays. prom-client's own hashes labels at each observation, which costs several times the
 * whole budget of a token.
 */
export class Histogram {
  /** Upper bounds, ascending, without +Inf. */
  readonly bounds: Float64Array
  /** Observations per bucket, not cumulative; the last one is +Inf. */
  readonly counts: Float64Array
  sum = 0

  /** @param bounds upper bounds, ascending, without +Inf */
  constructor(bounds: readonly number[]) {
    this.bounds = Float64Array.from(bounds)
    this.counts = new Float64Array(bounds.length + 1)
  }

  observe(value: number): void {
    this.observeMany(value, 1)
  }

  /** Adds `times` observations of the same value at the price of one. */
  observeMany(value: number, times: number): void {
    const { bounds } = this
    let bucket = 0
    while (bucket < bounds.length && value > bounds[bucket]!) bucket++
    this.counts[bucket]! += times
    this.sum += value * times
  }

  clear(): void {
    this.counts.fill(0)
    this.sum = 0
  }
}

/** Any holder of a metric's numbers. */
export type Cell = Scalar | Summary | Histogram

/** One series (or set of buckets) of a group. */
export interface Child<C extends Cell = Cell> {
  /** Label values in the order of the row's labels. */
  readonly values: readonly string[]
  readonly cell: C
}

/** The cells of one family by label values. */
export class Group<C extends Cell = Cell> {
  readonly #create: () => C
  readonly #children = new Map<string, Child<C>>()
  #sorted: readonly Child<C>[] | undefined

  constructor(create: () => C) {
    this.#create = create
  }

  get size(): number {
    return this.#children.size
  }

  /** The cell with these label values, made on first use. */
  at(...values: readonly string[]): C {
    const key = values.join('\0')
    const known = this.#children.get(key)
    if (known) return known.cell
    const cell = this.#create()
    this.#children.set(key, { values, cell })
    this.#sorted = undefined
    return cell
  }

  delete(...values: readonly string[]): void {
    if (this.#children.delete(values.join('\0'))) this.#sorted = undefined
  }

  clear(): void {
    this.#children.clear()
    this.#sorted = undefined
  }

  /** All children, ordered by their label values as Go's client does. */
  sorted(): readonly Child<C>[] {
    this.#sorted ??= [...this.#children.values()].sort(byValues)
    return this.#sorted
  }
}

function byValues(a: Child, b: Child): number {
  for (const [index, value] of a.values.entries()) {
    const other = b.values[index]!
    if (value !== other) return value < other ? -1 : 1
  }
  return 0
}

type LeafOf<Row extends MetricRow> = Row['type'] extends 'histogram'
  ? Histogram
  : Row['type'] extends 'summary'
    ? Summary
    : Scalar
type CellOf<Row extends MetricRow> = Row extends { labels: readonly string[] } ? Group<LeafOf<Row>> : LeafOf<Row>

/** The cells of all rows: a single cell for a row without labels, a group for one with labels. */
export type Cells = { readonly [Key in MetricKey]: CellOf<(typeof metricTable)[Key]> }

/** A group that holds the cells of one row. */
export function groupFor(row: MetricRow, maxModelLen: number): Group {
  if (row.type === 'summary') return new Group(() => new Summary())
  if (row.type !== 'histogram') return new Group(() => new Scalar())
  const bounds = row.bounds === 'tokens' ? tokenBounds(maxModelLen) : (row.bounds ?? [])
  return new Group(() => new Histogram(bounds))
}

/**
 * Makes the cells of all rows, with every series that exists from the start at zero.
 *
 * @param maxModelLen context length in tokens, the end of the 1-2-5 buckets
 * @returns the cells to record into, and the same as groups to read from
 */
export function createCells(maxModelLen: number): { cells: Cells; groups: ReadonlyMap<MetricKey, Group> } {
  const groups = new Map<MetricKey, Group>()
  const cells: Partial<Record<MetricKey, Cell | Group>> = {}
  for (const [key, row] of metricRows) {
    if (row.reads !== undefined) continue
    const group = groupFor(row, maxModelLen)
    for (const value of row.values ?? []) group.at(value)
    groups.set(key, group)
    cells[key] = row.labels ? group : group.at()
  }
  for (const [key, row] of metricRows) {
    if (row.reads === undefined) continue
    groups.set(key, groups.get(row.reads as MetricKey)!)
    cells[key] = cells[row.reads as MetricKey]!
  }
  // The loops above build exactly what the mapped type says; the compiler cannot follow them.
  return { cells: cells as unknown as Cells, groups }
}
