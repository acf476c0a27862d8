export {
  type Clock,
  Deadline,
  type LatencyModel,
  type LatencyOptions,
  type LatencyStep,
  latencyModel,
  noLatency,
  type Random,
  RealClock,
  Timeline,
  turnBudget,
  VirtualClock,
} from '@vllm-sim/latency'
export type { Admission } from './admission.ts'
export { datasetMode, type RecordedAnswer, type RecordedAnswers } from './dataset-text.ts'
export { Engine } from './engine.ts'
export type { EngineOptions, EngineSnapshot } from './engine-options.ts'
export { CacheCapacityError, ContextLengthError, QueueFullError, RequestError } from './errors.ts'
export type {
  AllBlocksCleared,
  BlocksRemoved,
  BlocksStored,
  EngineObserver,
  KvCacheEvent,
  ObservedSequence,
} from './events.ts'
export type { Generated } from './generate.ts'
export type { HandOver, HeldBlocks } from './hand-over.ts'
export { type BlockHasher, FnvHasher, Sha256CborHasher } from './kv/index.ts'
export type { KvCache, KvCacheListener } from './kv-cache.ts'
export { type Adapter, LoraRegistry } from './lora.ts'
export type { Pacer, PacerHost } from './pacer.ts'
export { PrefixCache, type PrefixCacheOptions } from './prefix-cache.ts'
export { presetSentences, randomMode } from './random-text.ts'
export type {
  FinishReason,
  GenerationRequest,
  KvTransfer,
  KvTransferParams,
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
export { Scheduler, type SchedulerOptions } from './scheduler.ts'
export { perSequence, type Scheduling, type SchedulingFactory, type SchedulingHost } from './scheduling.ts'
export { OccurrenceCounter } from './seeding.ts'
export type { Sequence } from './sequence.ts'
export { Lockstep } from './step/lockstep.ts'
export { StepBlocks } from './step/step-blocks.ts'
export { StepCache, type StepCacheOptions } from './step/step-cache.ts'
export { type StepListener, StepLoop, type StepLoopOptions } from './step/step-loop.ts'
export { type StepSchedulingOptions, stepScheduling } from './step/step-pacer.ts'
export { type StepBatch, type StepPart, StepRequest } from './step/step-request.ts'
export { type LoopedScheduler, StepScheduler, type StepSchedulerOptions } from './step/step-scheduler.ts'
export { echoMode, ListSource, repeatMode, type TextContext, type TextMode, type TextSource } from './text-source.ts'
export { Token, toTokens } from './token.ts'
