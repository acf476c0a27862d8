import { longestDelay } from '../clock.ts'
import { automatic } from './automatic.ts'
import { constant } from './constant.ts'
import type { LatencyCalculator, LatencyModel, LatencyModelKind, LatencyTimes } from './latency-model.ts'
import { perToken } from './per-token.ts'
import { step } from './step.ts'

/**
 * The latency models by the value of `--latency-calculator`; '' is its default. The option's choices, its type, its help
 * and its documentation are made from this table.
 */
export const latencyModels: { readonly [Name in LatencyCalculator]: LatencyModelKind<Name> } = {
  '': automatic,
  constant,
  'per-token': perToken,
  step,
}

/** All names, the default first. */
export const latencyCalculators = Object.keys(latencyModels) as readonly LatencyCalculator[]

/** Which model, and its times. */
export interface LatencyOptions extends LatencyTimes {
  readonly calculator: LatencyCalculator
}

/** The largest `timeFactorUnderLoad` that an option may set. */
export const largestLoadFactor = 1_000_000

/** No delay of any kind and no load factor: where options begin that set only a few. One slot. */
export const noLatency: LatencyOptions = {
  calculator: '',
  timeToFirstToken: 0,
  timeToFirstTokenDeviation: 0,
  interTokenLatency: 0,
  interTokenLatencyDeviation: 0,
  kvTransferLatency: 0,
  kvTransferLatencyDeviation: 0,
  prefillOverhead: 0,
  prefillTimePerToken: 0,
  prefillTimeDeviation: 0,
  kvTransferTimePerToken: 0,
  kvTransferTimeDeviation: 0,
  timeFactorUnderLoad: 1,
  maxNumSeqs: 1,
}

/**
 * The model that the options choose.
 * @throws RangeError that names the member when a time is negative or beyond `longestDelay`, or the load factor not
 * from 1 to `largestLoadFactor`
 */
export function latencyModel(options: LatencyOptions): LatencyModel {
  const { calculator, timeFactorUnderLoad, maxNumSeqs, ...times } = options
  for (const [name, value] of Object.entries(times)) {
    if (!(value >= 0 && value <= longestDelay)) {
      throw new RangeError(`${name} must be between 0 and ${longestDelay} ms, got ${value}`)
    }
  }
  if (!(timeFactorUnderLoad >= 1 && timeFactorUnderLoad <= largestLoadFactor)) {
    throw new RangeError(`timeFactorUnderLoad must be between 1 and ${largestLoadFactor}, got ${timeFactorUnderLoad}`)
  }
  return latencyModels[calculator].create(options)
}
