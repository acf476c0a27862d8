import { type StepCoefficients, StepCost, type StepProfile, stepProfileSchemaName } from '@vllm-sim/latency'
import { type Replay, replay } from '../replay.ts'
import type { ReplayEngine } from '../replay-engine.ts'
import { type Comparison, compare } from '../report.ts'
import { type Trace, TraceError } from '../trace.ts'
import { type Fit, fitCosts, fittedNames, priors } from './fit.ts'
import { type LedRun, ledRun } from './led-run.ts'

export interface CalibrationOptions {
  /** Measured runs of the same engine. */
  readonly runs: readonly Trace[]
  /** All of the engine but its cost and the delay of arrivals; `async` undefined: what fits better. */
  readonly engine: Omit<ReplayEngine, 'cost' | 'arrivalDelay' | 'async'> & { readonly async: boolean | undefined }
  readonly start: StepCoefficients
  /** Share of each run, its end, that is not fitted on, 0 to below 1. */
  readonly holdout: number
}

/** What a calibration came to. */
export interface Calibration {
  readonly coefficients: StepCoefficients
  readonly async: boolean
  readonly arrivalDelay: number
  readonly fit: NonNullable<StepProfile['fit']>
  /** Errors on the requests that were fitted on, and on the others. */
  readonly fitted: Comparison | undefined
  readonly heldOut: Comparison | undefined
}

const fewestRows = 20
const ledPasses = 8
const freePasses = 4
/** From this pass on coefficients change little. */
const settled = 6

/**
 * Fits the cost of steps to measured times of requests: simulates the workload, takes which requests shared which steps as
 * given, fits the durations, and again.
 * @throws TraceError when there is not enough to fit on
 */
export function calibrate(options: CalibrationOptions): Calibration {
  const observed = options.runs.map(run => observedOf(run, options.holdout))
  const usable = options.runs.reduce(
    (sum, { requests }, at) => sum + requests.slice(0, observed[at]!).filter(one => one.lastToken !== undefined).length,
    0,
  )
  if (usable < fewestRows) {
    throw new TraceError(`a calibration needs ${fewestRows} requests with measured first and last token, got ${usable}`)
  }
  const arrivalDelay = delayOf(options.runs)
  const kinds = options.engine.async === undefined ? [true, false] : [options.engine.async]
  const variants = kinds.flatMap(async => [true, false].map(blocks => ({ async, blocks })))
  const tried = variants.flatMap(({ async, blocks }) =>
    passes(options, observed, { ...options.engine, async, arrivalDelay }, blocks),
  )
  const simulated = tried.map(pass => {
    const engine = { ...pass.engine, cost: new StepCost(pass.fit.coefficients) }
    const results = options.runs.map(run => replay(run, { engine }))
    return { pass, results, off: distance(comparisonOf(options.runs, results, (at, run) => at < observed[run]!)) }
  })
  const { pass: best, results } = simulated.reduce((least, one) => (one.off < least.off ? one : least))
  const part = (wanted: (at: number, run: number) => boolean) => comparisonOf(options.runs, results, wanted)
  return {
    coefficients: best.fit.coefficients,
    async: best.engine.async,
    arrivalDelay,
    fit: {
      coefficients: Object.fromEntries(
        fittedNames.map(name => {
          const sd = best.fit.sd[name]
          return [name, { sd, source: sd > 0.7 * priors[name] ? ('prior' as const) : ('data' as const) }]
        }),
      ),
      visited: visitedBy(best.runs),
    },
    fitted: part((at, run) => at < observed[run]!),
    heldOut: part((at, run) => at >= observed[run]!),
  }
}

/** One number for how far simulated means and end-to-end times are from the measured ones, in percent. */
function distance(errors: Comparison | undefined): number {
  if (!errors) return Number.POSITIVE_INFINITY
  const { ttft, tpot, e2e } = errors
  return Math.abs(ttft.mean) + Math.abs(tpot.mean) + Math.abs(e2e.mean) + e2e.mape + ttft.mape / 4
}

interface Pass {
  readonly fit: Fit
  readonly engine: Omit<ReplayEngine, 'cost'>
  readonly runs: readonly LedRun[]
}

/** @returns the passes from which on the fit has settled; they differ by who gets into which step */
function passes(
  { runs: traces, start }: CalibrationOptions,
  observed: readonly number[],
  engine: Omit<ReplayEngine, 'cost'>,
  firstStepBlocks: boolean,
): Pass[] {
  let firstStep = 0
  let present: Fit = { coefficients: start, sd: priors, cost: Number.POSITIVE_INFINITY }
  const all: Pass[] = []
  for (let pass = 0; pass < ledPasses + freePasses; pass++) {
    const coefficients = { ...present.coefficients, first_step_ms: firstStep, first_step_blocks: firstStepBlocks }
    const timed = { ...engine, cost: new StepCost(coefficients) }
    const runs = traces.map((trace, at) => ledRun(trace, timed, observed[at]!, pass < ledPasses))
    firstStep = Math.max(0, runs[0]!.firstStep ?? 0)
    present = fitCosts(runs, start, present.coefficients)
    const fitted = { ...present.coefficients, first_step_ms: firstStep, first_step_blocks: firstStepBlocks }
    if (pass >= settled) all.push({ fit: { ...present, coefficients: fitted }, engine, runs })
  }
  return all
}

function observedOf({ requests }: Trace, holdout: number): number {
  const measured = requests.filter(one => one.lastToken !== undefined).length
  return Math.max(1, Math.round(measured * (1 - holdout)))
}

/** That of the first request, which found the engine idle; half a millisecond when it was not measured. */
function delayOf([run]: readonly Trace[]): number {
  const first = run?.requests[0]
  return first?.queued === undefined ? 0.5 : Math.max(0, first.queued - first.arrival)
}

function comparisonOf(
  runs: readonly Trace[],
  results: readonly Replay[],
  wanted: (at: number, run: number) => boolean,
): Comparison | undefined {
  const requests = results.flatMap((result, run) => result.requests.filter((_, at) => wanted(at, run)))
  const measured = runs.flatMap((trace, run) => trace.requests.filter((_, at) => wanted(at, run)))
  return compare({ requests }, { ...runs[0]!, requests: measured })
}

function visitedBy(runs: readonly LedRun[]): NonNullable<StepProfile['fit']>['visited'] {
  const range = (of: (shape: LedRun['shapes'][number]) => number): [number, number] => {
    const values = runs.flatMap(({ shapes }) => shapes.map(of))
    return [values.reduce((a, b) => Math.min(a, b)), values.reduce((a, b) => Math.max(a, b))]
  }
  return { tokens: range(one => one.tokens), decodes: range(one => one.decodes), context: range(one => one.context) }
}

/** A calibration as a profile. */
export function profileOf(
  name: string,
  { coefficients, arrivalDelay, async, fit: fitted, heldOut, fitted: onFit }: Calibration,
  engine: StepProfile['engine'],
  provenance: StepProfile['provenance'],
): StepProfile {
  const told = heldOut ?? onFit
  return {
    schema: stepProfileSchemaName,
    name,
    engine: { ...engine, async_scheduling: async },
    cost: coefficients,
    arrival_ms: arrivalDelay,
    fit: fitted,
    ...(told && {
      error: {
        rows: told.rows,
        split: heldOut ? 'requests that were not fitted on' : 'the requests that were fitted on',
        ttft: told.ttft,
        tpot: told.tpot,
        e2e: told.e2e,
      },
    }),
    ...(provenance && { provenance }),
  }
}
