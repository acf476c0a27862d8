import { RequestError } from '@vllm-sim/core-engine'
import type { ApiContext } from '../context.ts'
import { brief } from '../generation/brief.ts'
import { logprobCount, promptLogprobCount } from '../generation/logprobs.ts'
import type { Mutable } from '../generation/mutable.ts'
import { type FormatBody, formatProperties, readOutputFormat } from '../generation/output-format.ts'
import {
  checkSampling,
  type SamplingBody,
  type SharedBody,
  samplingProperties,
  sharedProperties,
} from '../generation/sampling.ts'
import { unparsable } from '../generation/unparsable.ts'
import { boolean, integer, object } from '../schema/types.ts'
import { validator } from '../schema/validator.ts'

/** One prompt of a text completion: text or token ids. */
export type WirePrompt = string | readonly number[]

/** The body of `POST /v1/completions`. */
export interface CompletionBody extends SamplingBody, SharedBody, FormatBody {
  readonly prompt?: unknown
  /** `prompt` in its one common form. */
  readonly prompts: readonly WirePrompt[]
  readonly add_special_tokens?: boolean | null
  readonly echo?: boolean | null
  readonly logprobs?: number | null
  readonly prompt_logprobs?: number | null
  readonly return_tokens_as_token_ids?: boolean | null
  readonly return_token_ids?: boolean | null
}

const read = validator<Mutable<CompletionBody>>(
  object({
    ...sharedProperties,
    ...samplingProperties,
    ...formatProperties,
    prompt: {},
    add_special_tokens: boolean,
    echo: boolean,
    logprobs: integer,
    prompt_logprobs: integer,
    return_tokens_as_token_ids: boolean,
    return_token_ids: boolean,
  }),
)

/** @throws RequestError 400 naming the member that is wrong */
export function parseCompletion(json: unknown): CompletionBody {
  const body = read(json)
  body.prompts = promptsOf(body.prompt)
  return body
}

const maxTokenId = 0xffff_ffff

/** `prompt` as a list of prompts; empty when it is absent. */
function promptsOf(prompt: unknown): WirePrompt[] {
  if (prompt === undefined || prompt === null) return []
  if (typeof prompt === 'string') return [prompt]
  if (!Array.isArray(prompt)) throw badPrompt(`got ${typeof prompt}`)
  if (prompt.length === 0) return []
  if (prompt.every(item => typeof item === 'string')) return prompt
  if (prompt.every(item => typeof item === 'number')) return [tokenIds(prompt)]
  if (prompt.every(item => Array.isArray(item))) return prompt.map(tokenIds)
  throw badPrompt('the elements are of different kinds')
}

function tokenIds(list: readonly unknown[]): readonly number[] {
  for (const id of list) {
    if (typeof id !== 'number' || !Number.isInteger(id) || id < 0 || id > maxTokenId) {
      throw badPrompt(`${brief(id)} is not a token id`)
    }
  }
  return list as readonly number[]
}

function badPrompt(detail: string): RequestError {
  return unparsable(
    `prompt must be a string, an array of strings, an array of token ids, or an array of arrays of token ids: ${detail}`,
  )
}

/** Checks that all prompts have content. @throws RequestError 400 */
export function checkPrompts(prompts: readonly WirePrompt[]): void {
  if (prompts.length === 0) throw new RequestError(400, 'prompt array must contain at least one prompt')
  for (const prompt of prompts) {
    if (prompt === '') throw new RequestError(400, 'prompt must not contain an empty string')
    if (prompt.length === 0) throw new RequestError(400, 'prompt must not contain an empty token-id array')
  }
}

/** vLLM's `VLLM_MAX_COMPLETION_PROMPTS`. */
const maxPrompts = 1024

/** @throws RequestError 400 */
export function validateCompletion(body: CompletionBody, context: ApiContext): void {
  checkPrompts(body.prompts)
  if (body.prompts.length > maxPrompts) {
    throw new RequestError(400, `prompt can have at most ${maxPrompts} prompts, got ${body.prompts.length}.`, 'prompt')
  }
  // With echo a limit of 0 asks for the prompt alone; to the other checks that is a limit.
  const promptOnly = body.echo && body.max_tokens === 0
  checkSampling(body, body, promptOnly ? 1 : (body.max_tokens ?? undefined))
  checkLogprobs(body, context)
  readOutputFormat(body)
}

function checkLogprobs({ logprobs, prompt_logprobs: prompt }: CompletionBody, context: ApiContext): void {
  if (typeof logprobs === 'number') {
    if (logprobs < 0) throw new RequestError(400, '`logprobs` must be a positive value.', 'logprobs')
    logprobCount(logprobs, 'sample', 'logprobs', context)
  }
  if (typeof prompt === 'number' && prompt < -1) {
    throw new RequestError(400, '`prompt_logprobs` must be a positive value or -1.', 'prompt_logprobs')
  }
  promptLogprobCount(prompt, context)
}
