export { type Clock, RealClock, ScaledClock, type Timer, VirtualClock } from './clock.ts'
export {
  type LatencyModel,
  type LatencyOptions,
  latencyModel,
  loadFactor,
  noLatency,
  type PrefillWork,
  sampleDelay,
} from './model.ts'
export { freshBytes, freshSeed, type Random, type Seed, SeedBuilder, SeededRandom, seededRandom } from './random.ts'
export { Deadline, Timeline } from './timeline.ts'
