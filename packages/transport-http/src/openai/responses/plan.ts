import { RequestError } from '@vllm-sim/core-engine'
import {
  andThen,
  checkParams,
  checkTools,
  type EncodedPrompt,
  logprobCount,
  type OutputFormat,
  type PlannedAnswer,
  planAnswer,
  plannedRequest,
  type ServingContext,
  tokenized,
  tokenName,
} from '@vllm-sim/serving'
import type { ChatMessage, ChatRender } from '@vllm-sim/tokenizer'
import type { HttpCall, Plan } from '../../generation/endpoint.ts'
import { requestParams, samplingParams } from '../../generation/wire.ts'
import { readOutputFormat, readResponseFormat } from '../output-format.ts'
import { InvalidRequestError, responseNotFound } from './errors.ts'
import { hasToolResult } from './input.ts'
import type { ResponseRecord, ResponseRequest } from './response.ts'
import { shownRequest } from './shown.ts'
import type { ResponseStore } from './store.ts'
import { templateTools, turnChoice } from './tools.ts'
import type { ResponsesWire } from './wire.ts'

/** A response as it will be generated, shown and kept. */
export interface ResponsesPlan extends Plan, ResponseRequest {
  readonly stored: boolean
}

/** @throws RequestError */
export function planResponses(
  wire: ResponsesWire,
  call: HttpCall,
  store: ResponseStore,
): ResponsesPlan | Promise<ResponsesPlan> {
  const { context } = call
  if (wire.functions.length > 0) checkTools(wire.functions, context.settings.toolCalls)
  const sampling = samplingParams(wire, wire.max_output_tokens)
  const params = requestParams(wire)
  checkParams(sampling, params)
  if (wire.prompt) throw new RequestError(400, 'prompt template is not supported', 'prompt')
  // Responses are kept unless the request says otherwise.
  const stored = wire.store ?? true
  if (wire.background && !stored) {
    throw new InvalidRequestError(400, 'background can only be used when `store` is true', 'background')
  }
  const owner = store.ownerOf(call.authorization)
  const messages = messagesOf(wire, previousOf(wire, owner, store))
  const logprobs = shownLogprobs(wire, context)
  const format = formatOf(wire)
  const shown = shownRequest(wire, call.model.name)
  call.accept()

  const answer = answerOf(wire, call, format, hasToolResult(messages))
  return andThen(promptOf(wire, messages, call), prompt => ({
    context,
    request: plannedRequest(call, sampling, params, [prompt], answer, undefined),
    stream: params.stream,
    stored,
    // A client's id is for the client: it does not displace what is kept under it.
    id: store.has(`resp_${call.id}`, owner) ? context.nextId() : call.id,
    owner,
    background: wire.background ?? false,
    input: wire.conversation.items,
    messages,
    shown,
    logprobs,
    tokenName: tokenName(undefined, context),
    hidesReasoning: wire.include_reasoning === false,
    bytes: call.content.length,
  }))
}

/**
 * The response that a request continues, if any.
 * @throws RequestError when it is not there, or not finished
 */
export function previousOf(
  { previous_response_id: id }: ResponsesWire,
  owner: string,
  store: ResponseStore,
): ResponseRecord | undefined {
  if (!id) return undefined
  const previous = store.get(id, owner)
  if (!previous) throw responseNotFound(id, 'previous_response_id')
  if (!previous.finished) {
    throw new InvalidRequestError(400, `Response with id '${id}' is not finished yet.`, 'previous_response_id')
  }
  return previous
}

/** The messages of the whole conversation, those of earlier responses first. */
export function messagesOf(
  { conversation }: ResponsesWire,
  previous: ResponseRecord | undefined,
): readonly ChatMessage[] {
  return previous ? [...previous.conversation(), ...conversation.messages] : conversation.messages
}

/** The conversation, ready to be rendered. @param messages those of the whole conversation */
export function renderOf(wire: ResponsesWire, messages: readonly ChatMessage[]): ChatRender {
  const chat: ChatRender = { messages }
  if (wire.functions.length > 0) chat.tools = templateTools(wire.functions)
  if (wire.chat_template) chat.chatTemplate = wire.chat_template
  if (wire.chat_template_kwargs) chat.chatTemplateKwargs = wire.chat_template_kwargs
  return chat
}

/** The prompt; in echo mode with the tokens of the last input item. */
function promptOf(
  wire: ResponsesWire,
  messages: readonly ChatMessage[],
  call: HttpCall,
): EncodedPrompt | Promise<EncodedPrompt> {
  const { context } = call
  return tokenized(
    () => context.tokenizer.encodeChat(renderOf(wire, messages), call),
    ({ ids, features }) => ({
      tokenIds: ids,
      ...(context.settings.echo ? { echo: context.outputTokens(wire.conversation.echo) } : undefined),
      ...(features ? { features } : undefined),
    }),
  )
}

/** Candidates of all tokens together that an answer may show: its end repeats them. */
const mostCandidates = 2 ** 17

/** How many candidates to show per token, 0 for the chosen token alone; undefined: no logprobs. */
function shownLogprobs(wire: ResponsesWire, context: ServingContext): number | undefined {
  const { top_logprobs: top, max_output_tokens: limit, include } = wire
  if (typeof top === 'number' && top < -1) {
    throw new RequestError(400, '`top_logprobs` must be a positive value or -1.', 'top_logprobs')
  }
  const count = logprobCount(top ?? 0, 'sample', 'top_logprobs', context)
  if (!include?.includes('message.output_text.logprobs')) return undefined
  const tokens = Math.min(limit ?? Number.POSITIVE_INFINITY, context.engine.maxModelLen)
  if (tokens * Math.max(1, count) <= mostCandidates) return count
  throw new RequestError(
    400,
    `top_logprobs=${count} for up to ${tokens} tokens is more than the ${mostCandidates} candidates of one answer; ` +
      'set max_output_tokens',
    'top_logprobs',
  )
}

/** The form that the text must have, if any. @throws RequestError 400 */
function formatOf(wire: ResponsesWire): OutputFormat | undefined {
  const format = readResponseFormat(wire.text?.format, 'text.format')
  if (!wire.structured_outputs) return format
  const outputs = readOutputFormat({ structured_outputs: wire.structured_outputs })
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

/** What the request wants instead of ordinary text. @throws RequestError 400 when that cannot be made */
function answerOf(
  wire: ResponsesWire,
  { context, id }: HttpCall,
  format: OutputFormat | undefined,
  afterResult: boolean,
): PlannedAnswer | undefined {
  const { functions: tools } = wire
  const choice = turnChoice(wire, afterResult)
  const subject = `responses create request (req id ${id})`
  const output = planAnswer(
    {
      reasoning: asksForReasoning(wire),
      // The policy keeps only the first call.
      tools: tools.length > 0 ? { tools, choice, parallel: false, idPrefix: 'fc_', subject } : undefined,
      format,
    },
    context,
  )
  return output && { output, fingerprint: JSON.stringify([tools, choice, format]) }
}

/** What the request says about reasoning, if anything. */
function asksForReasoning({ reasoning, chat_template_kwargs: kwargs }: ResponsesWire): boolean | undefined {
  const enabled = kwargs?.['enable_thinking']
  if (typeof enabled === 'boolean') return enabled
  return reasoning ? reasoning.effort !== 'none' : undefined
}
