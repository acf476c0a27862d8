import type { OutputPlan } from '@vllm-sim/core-engine'
import type { ApiContext } from '../context.ts'
import { answerPlan } from '../generation/answer-plan.ts'
import type { EncodedPrompt, GenerationEndpoint, Lowered } from '../generation/endpoint.ts'
import { readOutputFormat } from '../generation/output-format.ts'
import { idsPrompt, type KeepOptions, textPrompt } from '../generation/prompts.ts'
import { limitsOf, sharedLowering } from '../generation/sampling.ts'
import { StructuredText } from '../generation/structured-text.ts'
import { CompletionBodyEncoder } from './body.ts'
import { DetailedCompletionBodyEncoder } from './detailed-body.ts'
import { DetailedCompletionStreamEncoder } from './detailed-stream.ts'
import { isPlain } from './features.ts'
import { type CompletionBody, parseCompletion, validateCompletion, type WirePrompt } from './request.ts'
import { CompletionStreamEncoder } from './stream.ts'

/** `POST /v1/completions` */
export const completionEndpoint: GenerationEndpoint<CompletionBody> = {
  path: '/v1/completions',
  cacheThresholdHeader: true,
  parse: parseCompletion,
  validate: validateCompletion,
  lower: lowerCompletion,
  body: call => (isPlain(call.body) ? new CompletionBodyEncoder(call) : new DetailedCompletionBodyEncoder(call)),
  stream: call => (isPlain(call.body) ? new CompletionStreamEncoder(call) : new DetailedCompletionStreamEncoder(call)),
}

function lowerCompletion(body: CompletionBody, context: ApiContext): Lowered | Promise<Lowered> {
  const common = {
    n: body.n ?? 1,
    limits: limitsOf(body, body.max_tokens ?? undefined),
    ...sharedLowering(body, body),
    ...completionOutput(body, context),
  }
  const keep: KeepOptions = {
    tokens: typeof body.prompt_logprobs === 'number' || ((body.echo ?? false) && (body.logprobs ?? 0) > 0),
    text: body.echo ?? false,
  }
  const prompts = body.prompts.map(prompt => completionPrompt(prompt, body.add_special_tokens ?? true, context, keep))
  if (prompts.every(prompt => !(prompt instanceof Promise))) return { ...common, prompts: prompts as EncodedPrompt[] }
  return Promise.all(prompts).then(all => ({ ...common, prompts: all }))
}

/** Only the prompt is wanted: `echo` with a limit of 0. */
const nothing: OutputPlan = { plan: () => ({ parts: [], finishReason: 'length' }) }

function completionOutput(body: CompletionBody, context: ApiContext): { output?: OutputPlan; fingerprint?: string } {
  if (body.max_tokens === 0) return { output: nothing }
  const format = readOutputFormat(body)
  const output = format && answerPlan({ structured: new StructuredText(format, context) })
  return output ? { output, fingerprint: JSON.stringify(format) } : {}
}

function completionPrompt(
  prompt: WirePrompt,
  addSpecialTokens: boolean,
  context: ApiContext,
  keep: KeepOptions,
): EncodedPrompt | Promise<EncodedPrompt> {
  return typeof prompt === 'string'
    ? textPrompt(prompt, addSpecialTokens, context, keep)
    : idsPrompt(prompt, context, keep)
}
