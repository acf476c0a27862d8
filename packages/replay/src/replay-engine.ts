import {
  Lockstep,
  type LoopedScheduler,
  StepBlocks,
  type StepLoopOptions,
  StepScheduler,
  type StepSchedulerOptions,
} from '@vllm-sim/core-engine'
import type { StepCost } from '@vllm-sim/latency'

/** The engine that a trace is run through. Lengths in tokens, times in milliseconds. */
export interface ReplayEngine extends Omit<StepSchedulerOptions, 'numLookaheadTokens' | 'numSpeculativeTokens'> {
  readonly blockSize: number
  /** Whether full blocks are kept for others. */
  readonly caching: boolean
  /** The next step is composed while one runs. */
  readonly async: boolean
  readonly arrivalDelay: number
  /** Data-parallel ranks in lockstep, each with its own slots and blocks; 1 when absent. */
  readonly ranks?: number
  readonly cost: StepCost
}

/** The scheduler of an engine: one, or one for each data-parallel rank. */
export function schedulerOf(engine: ReplayEngine): LoopedScheduler {
  const { numBlocks, blockSize, caching, ranks = 1, cost } = engine
  const one = () =>
    new StepScheduler(
      { ...engine, numLookaheadTokens: 0, numSpeculativeTokens: 0 },
      new StepBlocks(numBlocks, blockSize, caching),
    )
  if (ranks === 1) return one()
  return new Lockstep(Array.from({ length: ranks }, one), shape => cost.time(shape))
}

/** How the loop of an engine composes and times its steps. */
export function loopOptionsOf({ async, arrivalDelay, cost }: ReplayEngine): StepLoopOptions {
  const { first_step_ms: firstStep = 0, first_step_blocks: firstStepBlocks = false } = cost.coefficients
  return { depth: async ? 2 : 1, arrivalDelay, firstStep, firstStepBlocks, duration: shape => cost.time(shape) }
}
