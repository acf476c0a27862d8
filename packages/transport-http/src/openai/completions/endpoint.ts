import type { GenerationEndpoint } from '../../generation/endpoint.ts'
import { mayDemandForm } from '../output-format.ts'
import { FullCompletionStream } from './full-stream.ts'
import { FullCompletionWhole } from './full-whole.ts'
import { type CompletionPlan, planCompletion } from './plan.ts'
import { CompletionStream } from './stream.ts'
import { CompletionWhole } from './whole.ts'
import { type CompletionWire, decodeCompletion } from './wire.ts'

/** `POST /v1/completions` */
export const completionEndpoint: GenerationEndpoint<CompletionWire, CompletionPlan> = {
  path: '/v1/completions',
  cacheThresholdHeader: true,
  decode: decodeCompletion,
  needsStructure: mayDemandForm,
  plan: planCompletion,
  whole: plan => (plan.full ? new FullCompletionWhole(plan, plan.full) : new CompletionWhole(plan)),
  stream: plan => (plan.full ? new FullCompletionStream(plan, plan.full) : new CompletionStream(plan)),
}
