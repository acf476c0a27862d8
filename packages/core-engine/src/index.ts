export {
  type Clock,
  Deadline,
  type LatencyModel,
  type Random,
  RealClock,
  Timeline,
  VirtualClock,
} from '@vllm-sim/latency'
export { CacheCapacityError, ContextLengthError, QueueFullError, RequestError } from './errors.ts'
export type {
  AllBlocksCleared,
  BlocksRemoved,
  BlocksStored,
  EngineObserver,
  KvCacheEvent,
  ObservedSequence,
} from './events.ts'
export type {
  FinishReason,
  GenerationRequest,
  KvTransfer,
  Limits,
  Outcome,
  OutputPart,
  OutputPlan,
  OutputSink,
  PlanContext,
  PlannedOutput,
  Prompt,
  PromptFeatures,
  RequestHandle,
  SequenceView,
} from './request.ts'
export { Token, toTokens } from './token.ts'
