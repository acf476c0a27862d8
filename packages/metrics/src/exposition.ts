/** Prometheus' text format 0.0.4 as Go's client writes it, but for bounds: consumers match its lines literally. */

/** Media type of the text, as Go's client names it. */
export const contentType = 'text/plain; version=0.0.4; charset=utf-8; escaping=underscores'

/** One line of the output. The text before the value never changes, so it is built once. */
export interface Line {
  /** Name of the sample, with `_bucket`, `_sum` or `_count`. */
  readonly name: string
  readonly labels: Readonly<Record<string, string>>
  /** Name, labels and the space before the value. */
  readonly prefix: string
  value: number
}

/**
 * A number as Go's `strconv.FormatFloat(value, 'g', -1, 64)` prints it: the shortest digits that round-trip, in exponent
 * form (sign, at least two digits) when the decimal exponent is below -4 or at least 6.
 */
export function formatNumber(value: number): string {
  if (Number.isInteger(value) && value < 1e6 && value > -1e6) return String(value)
  if (Number.isNaN(value)) return 'NaN'
  if (!Number.isFinite(value)) return value > 0 ? '+Inf' : '-Inf'
  const size = Math.abs(value)
  if (size >= 1e-4 && size < 1e6) return String(value)
  // JavaScript writes the same shortest digits but one-digit exponents and, for these sizes, often no exponent at all.
  const text = value.toExponential()
  const at = text.indexOf('e') + 2
  return text.length - at < 2 ? `${text.slice(0, at)}0${text.slice(at)}` : text
}

/**
 * A bucket's bound or a quantile as Python's client prints it: as a number, but whole ones below a million end in `.0`.
 * vLLM's dashboards ask for `le="1.0"` by its letters.
 */
export function formatBound(value: number): string {
  const text = formatNumber(value)
  return /^-?\d+$/.test(text) ? `${text}.0` : text
}

/** HELP texts: backslash and line feed. */
function escapeHelp(text: string): string {
  return text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')
}

/** Label values: backslash, line feed and double quote. */
function escapeLabel(text: string): string {
  return escapeHelp(text).replaceAll('"', '\\"')
}

/**
 * Builds a line.
 *
 * @param labels without `le` and `quantile`, in any order: they are written in order of their names
 * @param last `le` or `quantile`, which stands after all others
 */
export function createLine(
  name: string,
  labels: Readonly<Record<string, string>>,
  last?: readonly [string, string],
): Line {
  const pairs = Object.entries(labels).sort(([a], [b]) => (a < b ? -1 : 1))
  if (last) pairs.push([last[0], last[1]])
  const text = pairs.map(([label, value]) => `${label}="${escapeLabel(value)}"`).join(',')
  const prefix = text === '' ? `${name} ` : `${name}{${text}} `
  return { name, labels: last ? { ...labels, [last[0]]: last[1] } : labels, prefix, value: 0 }
}

/** The two lines above a family. */
export function familyHeader(name: string, type: string, help: string): string {
  return `# HELP ${name} ${escapeHelp(help)}\n# TYPE ${name} ${type}\n`
}
