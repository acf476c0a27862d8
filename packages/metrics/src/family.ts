import type { Cell, Child, Group } from './cells.ts'
import { Histogram, Summary } from './cells.ts'
import { createLine, familyHeader, formatBound, formatNumber, type Line } from './exposition.ts'
import type { MetricRow } from './table/row.ts'

/** What a family needs beside its row. */
export interface FamilySource {
  readonly row: MetricRow
  readonly group: Group
  /** Label names for the values of the group's children. */
  readonly labelNames: readonly string[]
  /** Labels that every series carries. */
  readonly labels: Readonly<Record<string, string>>
  /** Brings the cells up to date before they are read. */
  readonly refresh?: (() => void) | undefined
}

/** A sample in the shape of prom-client's JSON. */
interface PromValue {
  metricName: string
  labels: Record<string, string | number>
  value: number
}

/**
 * One metric family: renders itself as text and looks to a prom-client `Registry` like one of its metrics, so that it
 * shares a registry with metrics that a user adds.
 */
export class Family {
  readonly name: string
  readonly help: string
  readonly type: MetricRow['type']
  /** How prom-client's cluster support would combine several of them. */
  readonly aggregator = 'sum'
  readonly refresh: (() => void) | undefined
  readonly #source: FamilySource
  readonly #header: string
  /** Lines are built once per series; a series that its group forgets takes them along. */
  readonly #lines = new WeakMap<Child, readonly Line[]>()

  constructor(source: FamilySource) {
    const { row } = source
    this.name = row.name
    this.help = row.help
    this.type = row.type
    this.refresh = source.refresh
    this.#source = source
    this.#header = familyHeader(row.name, row.type, row.help)
  }

  /**
   * The family's text; empty when it has no series. The caller has refreshed it.
   *
   * @param keep limits the output to the samples it accepts
   */
  render(keep?: (sample: string) => boolean): string {
    const children = this.#source.group.sorted()
    if (children.length === 0) return this.#source.row.announced && !keep ? this.#header : ''
    let text = ''
    for (const child of children) {
      for (const line of this.#read(child)) {
        if (!keep || keep(line.name)) text += `${line.prefix}${formatNumber(line.value)}\n`
      }
    }
    return text === '' ? '' : this.#header + text
  }

  /** What prom-client's registry asks for. */
  async get(): Promise<{
    name: string
    help: string
    type: MetricRow['type']
    aggregator: 'sum'
    values: PromValue[]
  }> {
    this.refresh?.()
    const values: PromValue[] = []
    for (const child of this.#source.group.sorted()) {
      for (const { name, labels, value } of this.#read(child)) {
        values.push({ metricName: name, labels: { ...labels }, value })
      }
    }
    return { name: this.name, help: this.help, type: this.type, aggregator: this.aggregator, values }
  }

  /** Sets counters, histograms and summaries to zero. Gauges tell the present state and keep it. */
  reset(): void {
    if (this.type === 'gauge') return
    for (const { cell } of this.#source.group.sorted()) clear(cell)
  }

  #read(child: Child): readonly Line[] {
    let lines = this.#lines.get(child)
    if (!lines) {
      lines = this.#build(child)
      this.#lines.set(child, lines)
    }
    update(lines, child.cell)
    return lines
  }

  #build(child: Child): readonly Line[] {
    const { labelNames } = this.#source
    const labels: Record<string, string> = { ...this.#source.labels }
    for (const [index, value] of child.values.entries()) labels[labelNames[index]!] = value
    const { cell } = child
    const { name } = this
    const totals = () => [createLine(`${name}_sum`, labels), createLine(`${name}_count`, labels)]
    if (cell instanceof Histogram) {
      const bounds = [...cell.bounds, Number.POSITIVE_INFINITY]
      return [...bounds.map(bound => createLine(`${name}_bucket`, labels, ['le', formatBound(bound)])), ...totals()]
    }
    return cell instanceof Summary ? totals() : [createLine(name, labels)]
  }
}

function update(lines: readonly Line[], cell: Cell): void {
  if (cell instanceof Histogram) {
    let total = 0
    for (let bucket = 0; bucket < cell.counts.length; bucket++) lines[bucket]!.value = total += cell.counts[bucket]!
    lines[cell.counts.length]!.value = cell.sum
    lines[cell.counts.length + 1]!.value = total
  } else if (cell instanceof Summary) {
    lines[0]!.value = cell.sum
    lines[1]!.value = cell.count
  } else {
    lines[0]!.value = cell.value
  }
}

function clear(cell: Cell): void {
  if (cell instanceof Histogram) cell.clear()
  else if (cell instanceof Summary) cell.sum = cell.count = 0
  else cell.value = 0
}
