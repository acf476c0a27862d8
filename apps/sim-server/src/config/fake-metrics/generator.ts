import { CompleteError, formatDuration, formatShortest, parseDuration, parseFloat64, reasonOf } from '@vllm-sim/config'
import type { GaugeGenerator, GeneratorName } from './fake-metrics.ts'

const FORMAT_ERROR = 'unknown format in fake metric generation function: '

/**
 * Reads `name:start:end:period`, such as `ramp:0:10:1m`. The name is checked later, with the other values.
 * @throws Error that begins with `unknown format in fake metric generation function: `
 */
export function parseGenerator(text: string): GaugeGenerator {
  const parts = text.split(':')
  if (parts.length !== 4) {
    throw new CompleteError(`${FORMAT_ERROR}need func:start:end:period in fake metric generation function`)
  }
  const [name, start, end, period] = parts as [string, string, string, string]
  try {
    return {
      name: name as GeneratorName,
      start: parseFloat64(start),
      end: parseFloat64(end),
      periodMs: parseDuration(period) / 1e6,
    }
  } catch (error) {
    throw new CompleteError(FORMAT_ERROR + reasonOf(error))
  }
}

/** The text form, numbers shortest and the period as Go prints durations: `ramp:0:1:1m0s`. */
export function formatGenerator({ name, start, end, periodMs }: GaugeGenerator): string {
  return `${name}:${formatShortest(start)}:${formatShortest(end)}:${formatDuration(periodMs * 1e6)}`
}
