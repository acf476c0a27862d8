import { isObject } from '@vllm-sim/config'
import {
  COUNTER_KEYS,
  type FakeGauge,
  type FakeLora,
  type FakeMetrics,
  GAUGE_KEYS,
  HISTOGRAM_KEYS,
} from './fake-metrics.ts'
import { parseGenerator } from './generator.ts'

/** Spellings that the reference's YAML reader took instead of the documented ones. */
const YAML_SPELLINGS: Readonly<Record<string, string>> = {
  totalprompttokens: 'total-prompt-tokens',
  totalgenerationtokens: 'total-generation-tokens',
}

/** JSON is strict; in YAML numbers may be quoted, fractions of integers are dropped, and LoRA entries may be JSON text. */
export type FakeMetricsSource = 'json' | 'yaml'

/**
 * Reads fake metrics from parsed JSON or YAML. `null` counts as absent, unknown keys are ignored.
 * @param onUnknown told about each unknown key
 * @throws Error that names the key, or a GeneratorFormatError
 */
export function parseFakeMetrics(
  value: unknown,
  source: FakeMetricsSource,
  onUnknown: (key: string) => void = () => {},
): FakeMetrics {
  if (!isObject(value)) throw new Error('fake-metrics must be an object')
  const result: Record<string, unknown> = {}
  for (const [written, item] of Object.entries(value)) {
    const key = (source === 'yaml' && YAML_SPELLINGS[written]) || written
    const read = READERS.get(key)
    if (read === undefined) onUnknown(written)
    else if (item !== null) result[key] = read(item, source, key)
  }
  return result as FakeMetrics
}

type Reader = (value: unknown, source: FakeMetricsSource, key: string) => unknown

const READERS: ReadonlyMap<string, Reader> = new Map<string, Reader>([
  ...GAUGE_KEYS.map(key => [key, readGauge] as const),
  ...HISTOGRAM_KEYS.map(key => [key, readIntegers] as const),
  ...COUNTER_KEYS.map(key => [key, readInteger] as const),
  ['loras', readLoras],
  ['request-success-total', readCounts],
])

function readGauge(value: unknown, source: FakeMetricsSource, key: string): FakeGauge {
  if (typeof value === 'number' && Number.isFinite(value)) return value
  if (typeof value !== 'string') throw new Error(`${key}: expected a number or name:start:end:period`)
  if (source === 'yaml' && value.trim() !== '' && Number.isFinite(Number(value))) return Number(value)
  return parseGenerator(value)
}

function readInteger(value: unknown, source: FakeMetricsSource, key: string): number {
  if (source === 'yaml') {
    const number = Math.trunc(typeof value === 'string' && value.trim() !== '' ? Number(value) : (value as number))
    if (typeof value !== 'boolean' && Number.isFinite(number)) return number
  }
  if (typeof value === 'number' && Number.isInteger(value)) return value
  throw new Error(`${key}: expected an integer, got ${JSON.stringify(value)}`)
}

function readIntegers(value: unknown, source: FakeMetricsSource, key: string): number[] {
  if (!Array.isArray(value)) throw new Error(`${key}: expected a list of integers`)
  return value.map((item, index) => readInteger(item, source, `${key}[${index}]`))
}

function readCounts(value: unknown, source: FakeMetricsSource, key: string): Record<string, number> {
  if (!isObject(value)) throw new Error(`${key}: expected an object with a count per finish reason`)
  const counts = Object.entries(value).filter(([, count]) => count !== null)
  return Object.fromEntries(counts.map(([reason, count]) => [reason, readInteger(count, source, `${key}.${reason}`)]))
}

function readLoras(value: unknown, source: FakeMetricsSource, key: string): FakeLora[] {
  if (!Array.isArray(value)) throw new Error(`${key}: expected a list`)
  return value.map((item, index) => {
    const entry: unknown = source === 'yaml' && typeof item === 'string' ? JSON.parse(item) : item
    if (!isObject(entry)) throw new Error(`${key}[${index}]: expected an object with running, waiting and timestamp`)
    const { running = null, waiting = null, timestamp = null } = entry
    if (
      (running !== null && typeof running !== 'string') ||
      (waiting !== null && typeof waiting !== 'string') ||
      (timestamp !== null && typeof timestamp !== 'number')
    ) {
      throw new Error(`${key}[${index}]: running and waiting must be strings, timestamp a number`)
    }
    return {
      ...(running !== null && { running }),
      ...(waiting !== null && { waiting }),
      ...(timestamp !== null && { timestamp }),
    }
  })
}
