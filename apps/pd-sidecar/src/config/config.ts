import type { OptionFields } from '@vllm-sim/config'
import type { LogLevel } from '@vllm-sim/service'
import type { published } from '../options/table.ts'

/** Values of the options as they were given, durations in milliseconds. */
export type Fields = OptionFields<typeof published>

/** Stages that have servers of their own. */
export type Stage = 'prefiller' | 'decoder' | 'encoder'

/** The configuration that the program works with. */
export interface Config extends Omit<Fields, 'port' | 'modelServerPort' | 'maxIdleConnsPerHost'> {
  readonly port: number
  readonly modelServerPort: number
  readonly maxIdleConnsPerHost: number
  /** Address of the pod, or empty. */
  readonly podIp: string
  /** Where metrics are served beside `metricsPort`, when that is 0: `:9090`, or empty. */
  readonly metricsAddress: string
  readonly logLevel: LogLevel
}

/** Makes the configuration of checked values. */
export function makeConfig(fields: Fields, env: Readonly<Record<string, string | undefined>>): Config {
  return {
    ...fields,
    port: Number(fields.port),
    modelServerPort: Number(fields.modelServerPort || '8200'),
    maxIdleConnsPerHost: fields.maxIdleConnsPerHost > 0 ? fields.maxIdleConnsPerHost : 1024,
    podIp: env['POD_IP'] ?? '',
    metricsAddress: env['MORIIO_METRICS_ADDR'] ?? '',
    logLevel: logLevel(fields.zapLogLevel),
  }
}

/** zap's levels: numbers are how much is told, 4 the course of requests and 5 all. */
function logLevel(word: string): LogLevel {
  const number = Number(word)
  if (number >= 5) return 'trace'
  if (number >= 4) return 'debug'
  return word === 'error' || word === 'panic' ? 'error' : 'info'
}
