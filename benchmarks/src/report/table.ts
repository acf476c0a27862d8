import type { Sample } from '../groups/sample.ts'
import { median } from '../measure/quantiles.ts'
import { type MetricName, metrics } from './metrics.ts'

/** Figures that are not about the server, or not comparable by division. */
const withoutRatio: ReadonlySet<MetricName> = new Set<MetricName>([
  'driftPercent',
  'lateP50',
  'overdueP50',
  'ttftOverP50',
  'addedP50',
  'addedTtftP50',
  'addedLateP99',
  'errors',
  'clientCores',
  'connections',
  'retried',
  'overflows',
  'waiting',
  'prompts',
  'hitPercent',
  'blocksLeft',
])

/** Markdown tables of all samples: one per thing that was measured, one column per system, medians over the rounds. */
export function report(samples: readonly Sample[]): string {
  return [...Map.groupBy(samples, ({ group, title }) => `${group}: ${title}`)]
    .map(([title, of]) => `### ${title}\n\n${table(of)}\n${remark(of)}`)
    .join('\n')
}

/** Rounds that count: the quiet ones, or all where none was quiet. */
export function counted(samples: readonly Sample[]): readonly Sample[] {
  const done = samples.filter(sample => sample.failed === undefined)
  const quiet = done.filter(sample => !sample.noisy)
  return quiet.length > 0 ? quiet : done
}

/** Median over rounds of one figure divided by the other system's of the same round; NaN when no round has both. */
export function ratio(of: readonly Sample[], to: readonly Sample[], metric: MetricName): number {
  const others = new Map(to.map(sample => [sample.round, sample.values[metric]]))
  const ratios: number[] = []
  for (const { round, values } of of) {
    const [own, other] = [values[metric], others.get(round)]
    if (own !== undefined && other !== undefined && other > 0) ratios.push(own / other)
  }
  return median(ratios)
}

function table(samples: readonly Sample[]): string {
  const systems = [...Map.groupBy(samples, sample => sample.system)].map(([name, of]) => ({ name, of: counted(of) }))
  // A proxy is compared with another one.
  const base = systems.find(({ name }) => name === 'bare') ?? systems.find(({ name }) => name === 'against')
  const compared = base ? systems.filter(one => one !== base && one.name !== 'direct') : []
  const header = ['', ...systems.map(({ name }) => name), ...compared.map(({ name }) => `${name} / ${base!.name}`)]
  const rows: string[][] = []
  for (const [metric, label] of Object.entries(metrics) as [MetricName, string][]) {
    const cells = systems.map(({ of }) => figure(median(of.flatMap(sample => sample.values[metric] ?? []))))
    if (cells.every(cell => cell === none)) continue
    const ratios = compared.map(({ of }) =>
      withoutRatio.has(metric) ? '' : figure(ratio(of, base?.of ?? [], metric), ratioDigits),
    )
    rows.push([label, ...cells, ...ratios])
  }
  const lines = [header, header.map((_, at) => (at === 0 ? '---' : '--:')), ...rows]
  return lines.map(cells => `| ${cells.join(' | ')} |\n`).join('')
}

function remark(samples: readonly Sample[]): string {
  const lines = samples.flatMap(({ failed, system, round }) =>
    failed ? [`${system}, round ${round}, failed: ${failed}`] : [],
  )
  const loads = samples.map(sample => sample.loadAverage).filter(Number.isFinite)
  const noisy = samples.filter(sample => sample.noisy).length
  if (loads.length > 0) {
    const range = `${Math.min(...loads).toFixed(1)} to ${Math.max(...loads).toFixed(1)}`
    lines.push(
      `Load average ${range}${noisy > 0 ? `; ${noisy} of ${samples.length} measurements were disturbed` : ''}.`,
    )
  }
  return lines.map(line => `\n${line}\n`).join('')
}

const none = '–'
const ratioDigits = 2

/** A number for a reader: three digits that count, and no more than `digits` behind the point. */
export function figure(value: number, digits = 2): string {
  if (!Number.isFinite(value)) return none
  const size = Math.abs(value)
  if (size >= 100) return Math.round(value).toLocaleString('en')
  return String(Number(value.toFixed(size >= 10 ? Math.min(1, digits) : digits)))
}
