import type { MetricObjectWithValues, MetricValue, Registry } from 'prom-client'
import { createLine, familyHeader, formatBound, formatNumber } from './exposition.ts'
import { Family } from './family.ts'

/** Labels that stand after all others. */
const lastLabels = ['le', 'quantile'] as const

/**
 * The text of a whole registry, families sorted by name. Default labels of the registry reach only metrics made with
 * prom-client when it renders by itself, not here.
 *
 * @param names limits the output to families and samples of these names
 */
export async function renderRegistry(registry: Registry, names?: readonly string[]): Promise<string> {
  const wanted = names && names.length > 0 ? new Set(names) : undefined
  const metrics = registry.getMetricsAsArray() as unknown as (Family | ForeignMetric)[]
  metrics.sort((a, b) => (a.name < b.name ? -1 : 1))
  const refreshed = new Set<() => void>()
  let text = ''
  for (const metric of metrics) {
    const keep = wanted && !wanted.has(metric.name) ? (sample: string) => wanted.has(sample) : undefined
    if (keep && !mayMatch(metric.name, wanted!)) continue
    if (metric instanceof Family) {
      if (metric.refresh && !refreshed.has(metric.refresh)) {
        metric.refresh()
        refreshed.add(metric.refresh)
      }
      text += metric.render(keep)
    } else {
      text += renderForeign(await metric.get(), keep)
    }
  }
  return text
}

/** A metric made with prom-client itself. */
interface ForeignMetric {
  readonly name: string
  get(): Promise<MetricObjectWithValues<MetricValue<string>>>
}

/** Samples of a family begin with its name. */
function mayMatch(family: string, wanted: ReadonlySet<string>): boolean {
  for (const name of wanted) if (name.startsWith(family)) return true
  return false
}

function renderForeign(
  metric: MetricObjectWithValues<MetricValue<string>>,
  keep?: (sample: string) => boolean,
): string {
  let text = ''
  for (const sample of metric.values) {
    const { metricName = metric.name } = sample as { metricName?: string }
    if (keep && !keep(metricName)) continue
    const labels: Record<string, string> = {}
    for (const [label, value] of Object.entries(sample.labels)) if (value !== undefined) labels[label] = String(value)
    const last = lastLabels.find(label => labels[label] !== undefined)
    const lastValue = last && ([last, boundText(labels[last]!)] as const)
    if (last) delete labels[last]
    text += `${createLine(metricName, labels, lastValue).prefix}${formatNumber(sample.value)}\n`
  }
  return text === '' ? '' : familyHeader(metric.name, String(metric.type), metric.help) + text
}

/** A bound in this format's spelling. */
function boundText(text: string): string {
  return text === '+Inf' ? text : formatBound(Number(text))
}
