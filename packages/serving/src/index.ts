export { type Constraints, formatsOf, type OutputFormat } from './answer/format.ts'
export { type AnswerRequest, planAnswer } from './answer/plan.ts'
export { loadStructured } from './answer/structured.ts'
export { checkTools } from './answer/tool-check.ts'
export type { ToolChoice, ToolDefinition, ToolRequest } from './answer/tools.ts'
export { Bodies, type BodySource, bodies, type HeldBody } from './bodies.ts'
export { brief, cut, longestName } from './brief.ts'
export type { Complete } from './complete.ts'
export { ContentChance } from './content-chance.ts'
export type { GenerationEngine, KvTransfers, ServingContext, ServingLog } from './context.ts'
export { booleanValue } from './controls.ts'
export { embeddingSteps, embeddingValue, embeddingVector } from './embedding.ts'
export { FailureInjector, type FailureOptions, failureTypes, type InjectedFailure, returnError } from './failures.ts'
export { isObject } from './is-object.ts'
export { kvTransferParams } from './kv-transfer.ts'
export {
  byId,
  type Candidate,
  candidates,
  logprobCount,
  promptLogprobCount,
  type TokenName,
  tokenName,
} from './logprobs.ts'
export { type ResolvedModel, resolveModel } from './models.ts'
export type { Mutable } from './mutable.ts'
export { checkJsonForm, parseJson } from './parse-json.ts'
export { type Choice, PartCursor, type Piece, type Place, piecesOf, textOf } from './parts.ts'
export {
  type Call,
  type EncodedPrompt,
  imageDelay,
  type PlannedAnswer,
  type PlannedRequest,
  plannedRequest,
} from './plan.ts'
export { andThen, chatPrompt, idsPrompt, type KeepOptions, textPrompt, tokenized } from './prompts.ts'
export { Readiness } from './readiness.ts'
export { checkParams, type RequestParams, type SamplingParams } from './sampling.ts'
export {
  defaultServingSettings,
  type ImageSettings,
  type ReasoningSettings,
  type ServingSettings,
  type ToolCallSettings,
} from './settings.ts'
export { sumUsage, type Usage, type UsageOptions, usageOptions } from './usage.ts'
