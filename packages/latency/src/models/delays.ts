import { longestDelay } from '../clock.ts'
import type { Random } from '../random.ts'
import type { LatencyStep, LatencyTimes } from './latency-model.ts'

/**
 * A sample around `mean`, never outside 0.3 to 1.7 times the mean: a value beyond is set to the border.
 * Without deviation, or with a mean of 0, no random number is drawn.
 */
export function sampleDelay(mean: number, deviation: number, random: Random): number {
  if (mean === 0 || deviation === 0) return mean
  return Math.min(Math.max(random.normal(mean, deviation), 0.3 * mean), 1.7 * mean)
}

/**
 * How much longer prefill and decode take with `running` of `slots` sequences: linear from 1 for a single one to
 * `factor` for a full server.
 */
export function loadFactor(factor: number, running: number, slots: number): number {
  if (slots <= 1 || factor === 1) return 1
  return 1 + ((factor - 1) * (Math.max(1, running) - 1)) / (slots - 1)
}

/** A delay of a step around `mean`, at most `longestDelay`. The step's random stream is only touched to draw from it. */
export function delay(mean: number, deviation: number, step: LatencyStep): number {
  const drawn = mean === 0 || deviation === 0 ? mean : sampleDelay(mean, deviation, step.random)
  return Math.min(drawn, longestDelay)
}

/** The load factor of a step. */
export function load(times: LatencyTimes, step: LatencyStep): number {
  const { timeFactorUnderLoad } = times
  return timeFactorUnderLoad === 1 ? 1 : loadFactor(timeFactorUnderLoad, step.running, times.maxNumSeqs)
}

/** The time between two tokens, which all models of llm-d-inference-sim share. */
export function interToken(times: LatencyTimes, step: LatencyStep): number {
  return delay(times.interTokenLatency * load(times, step), times.interTokenLatencyDeviation, step)
}
