import { type StepCoefficients, StepCost, type StepShape } from '@vllm-sim/latency'
import type { Row } from './led-run.ts'

/** Coefficients that are fitted, and the standard deviation of the logarithm of each around its start value. */
export const priors = {
  host_ms: 1,
  mixed_ms: 1.2,
  weights_ms: 0.1,
  token_us: 0.25,
  seq_us: 1,
  ctx_us_per_ktok: 0.25,
  pair_us_per_ktok: 0.5,
  skew_us_per_ktok: 1.5,
} as const

export type Fitted = keyof typeof priors

export const fittedNames = Object.keys(priors) as readonly Fitted[]

/** Residuals beyond so many standard deviations count less (Huber). */
const huber = 3

/** The steps of one run and its rows. */
export interface Sample {
  readonly shapes: readonly StepShape[]
  readonly rows: readonly Row[]
}

export interface Fit {
  readonly coefficients: StepCoefficients
  /** Of the logarithms, after the fit. */
  readonly sd: Readonly<Record<Fitted, number>>
  /** What was minimised: half the sum of squared residuals, those of the priors included. */
  readonly cost: number
}

/** The largest change of a logarithm that is looked at when derivatives are taken. */
const nudge = 1e-4

/**
 * Fits the logarithms of the coefficients to the rows, with a normal prior around `start`: Levenberg and Marquardt.
 * @param present where to begin
 */
export function fitCosts(samples: readonly Sample[], start: StepCoefficients, present: StepCoefficients): Fit {
  let current = evaluate(samples, start, present)
  let damping = 1e-3
  for (let round = 0; round < 60; round++) {
    const step = solve(damped(current.hessian, damping), current.gradient)
    const moved = move(current.coefficients, step)
    const next = evaluate(samples, start, moved)
    if (next.cost <= current.cost) {
      const gain = current.cost - next.cost
      current = next
      damping = Math.max(damping / 5, 1e-9)
      if (gain < 1e-7 * (1 + current.cost)) break
    } else {
      damping *= 5
      if (damping > 1e6) break
    }
  }
  const covariance = invert(current.hessian)
  const sd = Object.fromEntries(fittedNames.map((name, at) => [name, Math.sqrt(Math.max(0, covariance[at]![at]!))]))
  return { coefficients: current.coefficients, sd: sd as Record<Fitted, number>, cost: current.cost }
}

interface Evaluation {
  readonly coefficients: StepCoefficients
  readonly cost: number
  readonly gradient: number[]
  readonly hessian: number[][]
}

function evaluate(samples: readonly Sample[], start: StepCoefficients, coefficients: StepCoefficients): Evaluation {
  const size = fittedNames.length
  const gradient = new Array<number>(size).fill(0)
  const hessian = Array.from({ length: size }, () => new Array<number>(size).fill(0))
  let cost = 0
  const add = (residual: number, slopes: readonly number[], weight: number) => {
    for (let a = 0; a < size; a++) {
      gradient[a]! -= weight * residual * slopes[a]!
      for (let b = 0; b < size; b++) hessian[a]![b]! += weight * slopes[a]! * slopes[b]!
    }
  }
  for (const { shapes, rows } of samples) {
    const sums = cumulative(shapes, coefficients)
    const slopes = fittedNames.map(name => {
      const nudged = cumulative(shapes, { ...coefficients, [name]: coefficients[name] * Math.exp(nudge) })
      return nudged.map((sum, at) => (sum - sums[at]!) / nudge)
    })
    for (const { from, to, measured, sd } of rows) {
      const residual = (sums[to]! - sums[from]! - measured) / sd
      const size = Math.abs(residual)
      cost += size <= huber ? residual ** 2 / 2 : huber * size - huber ** 2 / 2
      const own = slopes.map(sum => (sum[to]! - sum[from]!) / sd)
      add(residual, own, size <= huber ? 1 : huber / size)
    }
  }
  for (const [at, name] of fittedNames.entries()) {
    const residual = Math.log(coefficients[name] / start[name]) / priors[name]
    cost += residual ** 2 / 2
    add(
      residual,
      fittedNames.map((_, other) => (other === at ? 1 / priors[name] : 0)),
      1,
    )
  }
  return { coefficients, cost, gradient, hessian }
}

/** Times at which the steps end when one follows the other, from 0 on. */
function cumulative(shapes: readonly StepShape[], coefficients: StepCoefficients): Float64Array {
  const cost = new StepCost(coefficients)
  const sums = new Float64Array(shapes.length + 1)
  for (let at = 0; at < shapes.length; at++) sums[at + 1] = sums[at]! + cost.time(shapes[at]!)
  return sums
}

function move(coefficients: StepCoefficients, step: readonly number[]): StepCoefficients {
  const moved = fittedNames.map((name, at) => {
    const bounded = Math.max(-1, Math.min(1, step[at]!))
    return [name, coefficients[name] * Math.exp(bounded)]
  })
  return { ...coefficients, ...Object.fromEntries(moved) }
}

function damped(matrix: readonly (readonly number[])[], damping: number): number[][] {
  return matrix.map((row, a) => row.map((value, b) => (a === b ? value * (1 + damping) : value)))
}

/** Solves a system of linear equations by elimination. */
function solve(matrix: readonly (readonly number[])[], right: readonly number[]): number[] {
  const rows = matrix.map((row, at) => [...row, right[at]!])
  const size = rows.length
  for (let at = 0; at < size; at++) {
    let pivot = at
    for (let other = at + 1; other < size; other++) {
      if (Math.abs(rows[other]![at]!) > Math.abs(rows[pivot]![at]!)) pivot = other
    }
    ;[rows[at], rows[pivot]] = [rows[pivot]!, rows[at]!]
    for (let other = 0; other < size; other++) {
      if (other === at) continue
      const factor = rows[other]![at]! / rows[at]![at]!
      for (let column = at; column <= size; column++) rows[other]![column]! -= factor * rows[at]![column]!
    }
  }
  return rows.map((row, at) => row[size]! / row[at]!)
}

function invert(matrix: readonly (readonly number[])[]): number[][] {
  const columns = matrix.map((_, column) =>
    solve(
      matrix,
      matrix.map((_, at) => (at === column ? 1 : 0)),
    ),
  )
  return matrix.map((_, row) => columns.map(column => column[row]!))
}
