import { formatDuration, parseDuration } from '../durations.ts'
import { expected, expectedJson, type ValueType, type Warn } from './value-type.ts'

const NS_PER_MS = 1e6

/** Go's syntax as a regular expression, for the JSON schema. */
const DURATION_PATTERN = '[+-]?(0|((\\d+\\.?\\d*|\\.\\d+)(ns|us|µs|μs|ms|s|m|h))+)'

/**
 * A duration in Go's syntax. Held in nanoseconds, which keeps what `GET /admin/config` prints exact; published in
 * milliseconds with their fraction. A plain integer is read as milliseconds, as before llm-d-inference-sim 0.10.
 */
export const duration: ValueType<number> = {
  label: 'duration',
  arity: 'one',
  parse: parseMilliseconds,
  read(node, warn) {
    if (node.kind !== 'scalar' || node.tag === 'bool') throw expected('a duration such as "100ms"', node)
    return parseMilliseconds(node.text, warn)
  },
  fromJson(value) {
    if (typeof value === 'string') return parseDuration(value)
    if (!Number.isInteger(value) || Math.abs(value as number) >= 2 ** 63) {
      throw expectedJson('a duration such as "100ms" or an integer of nanoseconds', value)
    }
    return value as number
  },
  schema: { type: ['string', 'integer'], pattern: `^(\\d+|${DURATION_PATTERN})$` },
  publish: ns => ns / NS_PER_MS,
  format: formatDuration,
}

function parseMilliseconds(text: string, warn: Warn): number {
  if (!/^\d+$/.test(text)) return parseDuration(text)
  const value = parseDuration(`${text}ms`)
  if (value !== 0) warn(`a plain integer as duration is deprecated and read as milliseconds; write "${text}ms"`)
  return value
}

/** A duration that vLLM takes as a number of seconds; a unit may be given. */
export const seconds: ValueType<number> = {
  ...duration,
  label: 'seconds',
  parse: word => parseDuration(/^[\d.]+$/.test(word) ? `${word}s` : word),
  read(node, warn) {
    if (node.kind !== 'scalar' || node.tag === 'bool') throw expected('a number of seconds', node)
    return seconds.parse(node.text, warn)
  },
  schema: { type: ['string', 'number'], pattern: `^(\\d+\\.?\\d*|${DURATION_PATTERN})$` },
}
