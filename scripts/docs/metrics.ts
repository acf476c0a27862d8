import { markdownTable as table } from '../../packages/config/src/index.ts'
import {
  choiceBounds,
  firstTokenBounds,
  httpBounds,
  httpFineBounds,
  kvBytesBounds,
  kvDescriptorBounds,
  kvPostBounds,
  kvTransferBounds,
  requestLatencyBounds,
  stepTokenBounds,
  tokenLatencyBounds,
} from '../../packages/metrics/src/bounds.ts'
import { type MetricRow, metricTable } from '../../packages/metrics/src/index.ts'

/** Names for the lists of bucket bounds, for the tables of the page. */
const buckets: readonly { readonly name: string; readonly unit: string; readonly bounds: readonly number[] }[] = [
  { name: 'T', unit: 's', bounds: firstTokenBounds },
  { name: 'P', unit: 's', bounds: tokenLatencyBounds },
  { name: 'R', unit: 's', bounds: requestLatencyBounds },
  { name: 'S', unit: 'tokens', bounds: stepTokenBounds },
  { name: 'N', unit: '', bounds: choiceBounds },
  { name: 'H', unit: 's', bounds: httpBounds },
  { name: 'F', unit: 's', bounds: httpFineBounds },
  { name: 'X', unit: 's', bounds: kvTransferBounds },
  { name: 'Q', unit: 's', bounds: kvPostBounds },
  { name: 'B', unit: 'bytes', bounds: kvBytesBounds },
  { name: 'D', unit: '', bounds: kvDescriptorBounds },
]

/** All metric families, as the code has them. */
export function metricsTable(): string {
  const rows: readonly MetricRow[] = Object.values(metricTable)
  return table(
    ['name', 'type', 'labels', 'help', 'fake key', 'note'],
    rows.map(row => [
      code(row.name),
      row.bounds === undefined ? row.type : `${row.type} ${bucketName(row)}`,
      labels(row),
      row.help,
      row.fake === undefined || row.fake === 'cacheConfig' ? '' : code(fakeKey(row.fake)),
      note(row),
    ]),
  )
}

/** The bounds that the types in `metricsTable` refer to. */
export function bucketTable(): string {
  const rows = buckets.map(({ name, unit, bounds }) => [name, unit, bounds.join(' ')])
  return table(
    ['buckets', 'unit', 'upper bounds, without +Inf'],
    [...rows, ['L', 'tokens', '1 2 5 10 20 50 …, as far as `max-model-len`']],
  )
}

function bucketName({ name, bounds }: MetricRow): string {
  if (bounds === 'tokens') return 'L'
  const known = buckets.find(one => one.bounds === bounds)
  if (!known) throw new Error(`the buckets of ${name} have no name in scripts/docs/metrics.ts`)
  return known.name
}

function labels({ labels: own = [], vllmLabels, values }: MetricRow): string {
  const names = own.map(label => (values ? `${code(label)} (${values.join(', ')})` : code(label))).join(', ')
  return vllmLabels ? `${names}; vLLM: ${vllmLabels.map(code).join(', ')}` : names
}

function note({ since, removedIn }: MetricRow): string {
  const hidden = removedIn === undefined ? undefined : 'hidden'
  return [since, hidden].filter(one => one !== undefined).join('; ')
}

/** A member of the fake configuration as it is spelled there: gauges and totals are camel case in the code. */
function fakeKey(member: string): string {
  return member.replaceAll(/[A-Z]/g, letter => `-${letter.toLowerCase()}`)
}

function code(text: string): string {
  return `\`${text}\``
}
