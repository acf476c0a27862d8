export {
  type Clock,
  isoTime,
  longestDelay,
  RealClock,
  ScaledClock,
  type Timer,
  unixTime,
  VirtualClock,
} from './clock.ts'
export { CallbackDeadline, Deadline } from './deadline.ts'
export { loadFactor, sampleDelay } from './models/delays.ts'
export type {
  LatencyCalculator,
  LatencyModel,
  LatencyModelKind,
  LatencyStep,
  LatencyTimes,
} from './models/latency-model.ts'
export {
  type LatencyOptions,
  largestLoadFactor,
  latencyCalculators,
  latencyModel,
  latencyModels,
  noLatency,
} from './models/registry.ts'
export { freshBytes, freshSeed, type Random, type Seed, SeedBuilder, SeededRandom, seededRandom } from './random.ts'
export { type StepCoefficients, StepCost, StepShape } from './step-cost.ts'
export {
  type FittedCoefficient,
  type ProfiledEngine,
  type ProfileError,
  type ProfileSchema,
  type StepProfile,
  stepProfile,
  stepProfileSchema,
  stepProfileSchemaName,
  type VisitedRange,
} from './step-profile.ts'
export { Timeline, turnBudget } from './timeline.ts'
