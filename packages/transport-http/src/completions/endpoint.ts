import { type Prompt, Token } from '@vllm-sim/core-engine'
import type { ApiContext } from '../context.ts'
import type { GenerationEndpoint, Lowered } from '../generation/endpoint.ts'
import { textPrompt } from '../generation/prompts.ts'
import { limitsOf, sharedLowering } from '../generation/sampling.ts'
import { CompletionBodyEncoder } from './body.ts'
import { type CompletionBody, parseCompletion, validateCompletion, type WirePrompt } from './request.ts'
import { CompletionStreamEncoder } from './stream.ts'

/** `POST /v1/completions` */
export const completionEndpoint: GenerationEndpoint<CompletionBody> = {
  path: '/v1/completions',
  cacheThresholdHeader: true,
  parse: parseCompletion,
  validate: validateCompletion,
  lower: lowerCompletion,
  body: call => new CompletionBodyEncoder(call),
  stream: call => new CompletionStreamEncoder(call),
}

function lowerCompletion(body: CompletionBody, context: ApiContext): Lowered | Promise<Lowered> {
  const common = {
    n: body.n ?? 1,
    limits: limitsOf(body, body.max_tokens ?? undefined),
    ...sharedLowering(body, body),
  }
  const prompts = body.prompts.map(prompt => completionPrompt(prompt, body.add_special_tokens ?? true, context))
  if (prompts.every(prompt => !(prompt instanceof Promise))) return { ...common, prompts: prompts as Prompt[] }
  return Promise.all(prompts).then(all => ({ ...common, prompts: all }))
}

function completionPrompt(
  prompt: WirePrompt,
  addSpecialTokens: boolean,
  context: ApiContext,
): Prompt | Promise<Prompt> {
  if (typeof prompt === 'string') return textPrompt(prompt, addSpecialTokens, context)
  if (!context.settings.echo) return { tokenIds: prompt }
  const last = prompt.length - 1
  return { tokenIds: prompt, echo: prompt.map((id, at) => new Token(id, at < last ? `${id},` : `${id}`)) }
}
