import { RequestError } from '@vllm-sim/core-engine'
import {
  andThen,
  checkParams,
  type EncodedPrompt,
  idsPrompt,
  type KeepOptions,
  logprobCount,
  type OutputFormat,
  type PlannedAnswer,
  planAnswer,
  plannedRequest,
  promptLogprobCount,
  type ServingContext,
  type TokenName,
  textPrompt,
  tokenName,
  type UsageOptions,
} from '@vllm-sim/serving'
import type { HttpCall, Plan } from '../../generation/endpoint.ts'
import { requestParams, samplingParams, usageWanted } from '../../generation/wire.ts'
import { readOutputFormat } from '../output-format.ts'
import type { CompletionWire, WirePrompt } from './wire.ts'

/** A text completion as it will be generated and shown. */
export interface CompletionPlan extends Plan {
  readonly usage: UsageOptions
  /** What is shown beside the generated text; undefined for most answers, which cost least. */
  readonly full: CompletionFeatures | undefined
}

/** What an answer may show beside the generated text. */
export interface CompletionFeatures {
  /** Candidates per token; undefined: no logprobs. */
  readonly logprobs: number | undefined
  readonly tokenName: TokenName
  readonly tokenIds: boolean
  readonly promptLogprobs: number | undefined
  /** The prompt comes before the text. */
  readonly echo: boolean
}

/** @throws RequestError */
export function planCompletion(wire: CompletionWire, call: HttpCall): CompletionPlan | Promise<CompletionPlan> {
  const { context } = call
  checkPrompts(wire.prompt)
  const echo = wire.echo ?? false
  const sampling = samplingParams(wire, wire.max_tokens)
  const params = requestParams(wire)
  // With echo a limit of 0 asks for the prompt alone; to the checks that is a limit.
  checkParams(echo && sampling.maxTokens === 0 ? { ...sampling, maxTokens: 1 } : sampling, params)
  const { logprobs, promptLogprobs } = shownLogprobs(wire, context)
  const format = readOutputFormat(wire)
  call.accept()

  const answer = sampling.maxTokens === 0 ? promptOnly : formatted(format, context)
  const tokenIds = wire.return_token_ids ?? false
  const isFull = echo || tokenIds || logprobs !== undefined || promptLogprobs !== undefined
  const name = tokenName(wire.return_tokens_as_token_ids ?? undefined, context)
  const full = isFull ? { logprobs, tokenName: name, tokenIds, promptLogprobs, echo } : undefined
  const usage = usageWanted(wire, context)
  const keep = { candidates: promptLogprobs ?? (echo ? logprobs : undefined), text: echo }
  return andThen(encoded(wire.prompt, wire.add_special_tokens ?? true, call, keep), prompts => {
    const request = plannedRequest(call, sampling, params, prompts, answer, undefined)
    return { context, request, stream: params.stream, usage, full }
  })
}

/** vLLM's `VLLM_MAX_COMPLETION_PROMPTS`. */
const maxPrompts = 1024

/** Checks the number of prompts, and that all have content. @throws RequestError 400 */
export function checkPrompts(prompts: readonly WirePrompt[]): void {
  if (prompts.length === 0) throw new RequestError(400, 'prompt array must contain at least one prompt')
  for (const prompt of prompts) {
    if (prompt === '') throw new RequestError(400, 'prompt must not contain an empty string')
    if (prompt.length === 0) throw new RequestError(400, 'prompt must not contain an empty token-id array')
  }
  if (prompts.length > maxPrompts) {
    throw new RequestError(400, `prompt can have at most ${maxPrompts} prompts, got ${prompts.length}.`, 'prompt')
  }
}

/** Candidates per token, of the text and of the prompt; undefined: none. @throws RequestError 400 */
function shownLogprobs(
  { logprobs, prompt_logprobs: prompt }: CompletionWire,
  context: ServingContext,
): Pick<CompletionFeatures, 'logprobs' | 'promptLogprobs'> {
  let count: number | undefined
  if (typeof logprobs === 'number') {
    if (logprobs < 0) throw new RequestError(400, '`logprobs` must be a positive value.', 'logprobs')
    count = logprobCount(logprobs, 'sample', 'logprobs', context)
  }
  if (typeof prompt === 'number' && prompt < -1) {
    throw new RequestError(400, '`prompt_logprobs` must be a positive value or -1.', 'prompt_logprobs')
  }
  // As in the reference 0 is none.
  return { logprobs: count || undefined, promptLogprobs: promptLogprobCount(prompt, context) }
}

/** Only the prompt is wanted: `echo` with a limit of 0. */
const promptOnly: PlannedAnswer = {
  output: { plan: () => ({ parts: [], finishReason: 'length' }) },
  fingerprint: undefined,
}

function formatted(format: OutputFormat | undefined, context: ServingContext): PlannedAnswer | undefined {
  const output = planAnswer({ reasoning: false, format }, context)
  return output && { output, fingerprint: JSON.stringify(format) }
}

function encoded(
  prompts: readonly WirePrompt[],
  addSpecialTokens: boolean,
  call: HttpCall,
  keep: KeepOptions,
): readonly EncodedPrompt[] | Promise<readonly EncodedPrompt[]> {
  const { context } = call
  const list = prompts.map(prompt =>
    typeof prompt === 'string'
      ? textPrompt(prompt, addSpecialTokens, context, keep, call)
      : idsPrompt(prompt, context, keep),
  )
  return list.some(prompt => prompt instanceof Promise) ? Promise.all(list) : (list as readonly EncodedPrompt[])
}
