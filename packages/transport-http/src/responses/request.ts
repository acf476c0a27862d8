import { RequestError } from '@vllm-sim/core-engine'
import type { ChatMessage, ChatRender } from '@vllm-sim/tokenizer'
import type { ApiContext } from '../context.ts'
import { logprobCount } from '../generation/logprobs.ts'
import {
  formatProperties,
  type OutputFormat,
  type ResponseFormat,
  readOutputFormat,
  readResponseFormat,
  type StructuredOutputs,
} from '../generation/output-format.ts'
import {
  checkSampling,
  type SamplingBody,
  type SharedBody,
  samplingProperties,
  sharedProperties,
} from '../generation/sampling.ts'
import { checkTools } from '../generation/tool-check.ts'
import { readToolChoice } from '../generation/tools.ts'
import { anyObject, arrayOf, boolean, integer, object, string } from '../schema/types.ts'
import { validator } from '../schema/validator.ts'
import { InvalidRequestError, responseNotFound } from './errors.ts'
import { type Conversation, parseInput } from './input.ts'
import type { ResponseRecord } from './record.ts'
import type { ResponseStore } from './store.ts'
import { type FunctionTool, parseTools, templateTools } from './tools.ts'

/** Members as they are sent; those that nothing here reads are left out. */
interface WireBody extends Omit<SamplingBody, 'n'>, SharedBody {
  readonly input?: unknown
  readonly instructions?: string | null
  readonly max_output_tokens?: number | null
  readonly max_tool_calls?: number | null
  readonly tools?: unknown
  readonly tool_choice?: unknown
  readonly parallel_tool_calls?: boolean | null
  readonly include?: readonly string[] | null
  readonly top_logprobs?: number | null
  readonly text?: { readonly format?: ResponseFormat | null; readonly verbosity?: string | null } | null
  readonly structured_outputs?: StructuredOutputs | null
  readonly reasoning?: { readonly effort?: string | null } | null
  readonly include_reasoning?: boolean | null
  readonly previous_response_id?: string | null
  readonly store?: boolean | null
  readonly background?: boolean | null
  readonly metadata?: object | null
  readonly prompt?: object | null
  readonly service_tier?: string | null
  readonly truncation?: string | null
  readonly user?: string | null
  readonly prompt_cache_key?: string | null
  readonly safety_identifier?: string | null
  readonly chat_template?: string | null
  readonly chat_template_kwargs?: Readonly<Record<string, unknown>> | null
}

/** The body of `POST /v1/responses`. */
export interface ResponsesBody extends Omit<WireBody, 'input' | 'tools'> {
  /** There is one answer; what a request says is not read. */
  readonly n: 1
  readonly conversation: Conversation
  readonly functions: readonly FunctionTool[]
  /** The response that this one continues, if it is there. */
  readonly previous: ResponseRecord | undefined
}

const { n: _, ...sampling } = samplingProperties

const read = validator<WireBody>(
  object({
    ...sharedProperties,
    ...sampling,
    structured_outputs: formatProperties['structured_outputs']!,
    instructions: string,
    max_output_tokens: integer,
    max_tool_calls: integer,
    parallel_tool_calls: boolean,
    include: arrayOf({ type: 'string' }),
    top_logprobs: integer,
    text: { ...object({ format: { ...object({ type: string }), nullable: true }, verbosity: string }), nullable: true },
    reasoning: { ...object({ effort: string }), nullable: true },
    include_reasoning: boolean,
    previous_response_id: string,
    store: boolean,
    background: boolean,
    metadata: anyObject,
    prompt: anyObject,
    service_tier: string,
    truncation: string,
    user: string,
    prompt_cache_key: string,
    safety_identifier: string,
    chat_template: string,
    chat_template_kwargs: anyObject,
  }),
)

/** @throws RequestError 400 naming the member that is wrong */
export function parseResponses(json: unknown, store: ResponseStore): ResponsesBody {
  const { input, tools, ...body } = read(json)
  const conversation = parseInput(input)
  const functions = parseTools(tools)
  readToolChoice(body.tool_choice)
  const previous = body.previous_response_id ? store.get(body.previous_response_id) : undefined
  return { ...body, n: 1, conversation, functions, previous }
}

/** @throws RequestError */
export function validateResponses(body: ResponsesBody, context: ApiContext): void {
  if (body.functions.length > 0) checkTools(body.functions, context.settings.toolCalls)
  checkSampling(body, body, body.max_output_tokens ?? undefined)
  if (body.prompt) throw new RequestError(400, 'prompt template is not supported', 'prompt')
  if (body.background && !isStored(body)) {
    throw new InvalidRequestError(400, 'background can only be used when `store` is true', 'background')
  }
  checkPrevious(body)
  const { top_logprobs: top } = body
  if (typeof top === 'number' && top < -1) {
    throw new RequestError(400, '`top_logprobs` must be a positive value or -1.', 'top_logprobs')
  }
  logprobsOf(body, context)
  formatOf(body)
}

/** What a request continues must be there. @throws RequestError */
export function checkPrevious({ previous_response_id: id, previous }: ResponsesBody): void {
  if (!id) return
  if (!previous) throw responseNotFound(id, 'previous_response_id')
  if (!previous.finished) {
    throw new InvalidRequestError(400, `Response with id '${id}' is not finished yet.`, 'previous_response_id')
  }
}

/** Responses are kept unless the request says otherwise. */
export function isStored(body: ResponsesBody): boolean {
  return body.store ?? true
}

/** The messages of the whole conversation, those of earlier responses first. */
export function messagesOf({ previous, conversation }: ResponsesBody): readonly ChatMessage[] {
  return previous ? [...previous.conversation(), ...conversation.messages] : conversation.messages
}

/** The conversation, ready to be rendered. @param messages those of the whole conversation */
export function renderOf(body: ResponsesBody, messages: readonly ChatMessage[]): ChatRender {
  return {
    messages,
    ...(body.functions.length > 0 ? { tools: templateTools(body.functions) } : undefined),
    ...(body.chat_template ? { chatTemplate: body.chat_template } : undefined),
    ...(body.chat_template_kwargs ? { chatTemplateKwargs: body.chat_template_kwargs } : undefined),
  }
}

/** The form that the text must have, if any. @throws RequestError 400 */
export function formatOf(body: ResponsesBody): OutputFormat | undefined {
  const format = readResponseFormat(body.text?.format, 'text.format')
  if (!body.structured_outputs) return format
  const outputs = readOutputFormat({ structured_outputs: body.structured_outputs })
  if (format && outputs) {
    throw new RequestError(
      400,
      'You can only use one kind of structured outputs constraint but multiple are specified: ' +
        `${JSON.stringify([format.member, outputs.member])}`,
      'structured_outputs',
    )
  }
  return outputs
}

/** How many candidates to show per token, 0 for the chosen token alone; undefined: no logprobs. */
export function logprobsOf(body: ResponsesBody, context: ApiContext): number | undefined {
  const count = logprobCount(body.top_logprobs ?? 0, 'sample', 'top_logprobs', context)
  return body.include?.includes('message.output_text.logprobs') ? count : undefined
}

/** What the request says about reasoning, if anything. */
export function asksForReasoning({ reasoning, chat_template_kwargs: kwargs }: ResponsesBody): boolean | undefined {
  const enabled = kwargs?.['enable_thinking']
  if (typeof enabled === 'boolean') return enabled
  return reasoning ? reasoning.effort !== 'none' : undefined
}
