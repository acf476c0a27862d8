import { RequestError } from '@vllm-sim/core-engine'
import {
  andThen,
  chatPrompt,
  checkParams,
  checkTools,
  imageDelay,
  logprobCount,
  type OutputFormat,
  type PlannedAnswer,
  planAnswer,
  plannedRequest,
  promptLogprobCount,
  type ServingContext,
  type TokenName,
  type ToolDefinition,
  tokenName,
  type UsageOptions,
} from '@vllm-sim/serving'
import { echoText } from '@vllm-sim/tokenizer'
import type { HttpCall, Plan } from '../../generation/endpoint.ts'
import { requestParams, samplingParams, usageWanted } from '../../generation/wire.ts'
import { readOutputFormat } from '../output-format.ts'
import { toChatMessage, toChatRender } from './conversation.ts'
import type { ChatWire } from './wire.ts'

/** A chat completion as it will be generated and shown. */
export interface ChatPlan extends Plan {
  /** Role of the message, as JSON. */
  readonly role: string
  readonly usage: UsageOptions
  /** What is shown beside plain text; undefined for most answers, which cost least. */
  readonly full: ChatFeatures | undefined
}

/** What an answer may show beside plain text. */
export interface ChatFeatures {
  /** Candidates per token; undefined: no logprobs. */
  readonly logprobs: number | undefined
  readonly tokenName: TokenName
  readonly tokenIds: boolean
  readonly promptLogprobs: number | undefined
  readonly promptText: boolean
  /** The answer has, or may have, other parts than text: reasoning, tool calls, a structure. */
  readonly parts: boolean
  /** An omni image ends the answer. */
  readonly image: boolean
  /** Reasoning is shown, not only generated. */
  readonly reasoning: boolean
  /** What is repeated before the answer. */
  readonly echo: string
}

/** @throws RequestError */
export function planChat(wire: ChatWire, call: HttpCall): ChatPlan | Promise<ChatPlan> {
  const { context } = call
  const tools = wire.tools?.length ? toolsOf(wire.tools) : undefined
  if (tools) checkTools(tools, context.settings.toolCalls)
  // The newer member wins.
  const sampling = samplingParams(wire, wire.max_completion_tokens ?? wire.max_tokens)
  const params = requestParams(wire)
  checkParams(sampling, params)
  checkContinuation(wire)
  const logprobs = shownLogprobs(wire, call)
  const promptLogprobs = promptLogprobCount(wire.prompt_logprobs, context)
  const format = readOutputFormat(wire)
  checkBudget(wire.thinking_token_budget)
  call.accept()

  const answer = answerOf(wire, call, tools, format)
  const extraDelay = imageDelay(call)
  const role = roleOf(wire, call)
  const found = { logprobs, promptLogprobs, image: extraDelay !== undefined, parts: answer !== undefined }
  const full = featuresOf(wire, role, found, context)
  const usage = usageWanted(wire, context)
  const keep = { candidates: promptLogprobs, text: wire.return_prompt_text ?? false }
  return andThen(chatPrompt(toChatRender(wire), context, keep, call), prompt => {
    const request = plannedRequest(call, sampling, params, [prompt], answer, extraDelay)
    return { context, request, stream: params.stream, role: JSON.stringify(role), usage, full }
  })
}

/** What an OpenAI tool is to the engine's text source. */
function toolsOf(tools: NonNullable<ChatWire['tools']>): ToolDefinition[] {
  return tools.map(tool => ({ name: tool.function?.name ?? '', parameters: tool.function?.parameters }))
}

function checkContinuation(wire: ChatWire): void {
  if (!wire.continue_final_message || !wire.add_generation_prompt) return
  throw new RequestError(
    400,
    'Cannot set both `continue_final_message` and `add_generation_prompt` to True.',
    'continue_final_message',
  )
}

function checkBudget(budget: number | null | undefined): void {
  if (typeof budget !== 'number' || budget >= -1) return
  throw new RequestError(
    400,
    '`thinking_token_budget` must be a non-negative integer or -1 for unlimited.',
    'thinking_token_budget',
  )
}

/** Candidates per token when a request wants logprobs and does not say how many. */
const defaultTopLogprobs = 1

/** How many candidates are to be shown per token; undefined: no logprobs. */
function shownLogprobs(wire: ChatWire, { context }: HttpCall): number | undefined {
  for (const member of ['top_logprobs', 'prompt_logprobs'] as const) {
    const value = wire[member]
    if (typeof value === 'number' && value < -1) {
      throw new RequestError(400, `\`${member}\` must be a positive value or -1.`, member)
    }
  }
  if (!wire.logprobs) return undefined
  return logprobCount(wire.top_logprobs ?? defaultTopLogprobs, 'sample', 'top_logprobs', context)
}

/** What the request wants instead of the server's ordinary text. @throws RequestError 400 when that cannot be made */
function answerOf(
  wire: ChatWire,
  { context, id }: HttpCall,
  tools: readonly ToolDefinition[] | undefined,
  format: OutputFormat | undefined,
): PlannedAnswer | undefined {
  const { tool_choice: choice, thinking_token_budget: budget } = wire
  const parallel = wire.parallel_tool_calls ?? true
  const subject = `chat completion request (req id ${id})`
  const output = planAnswer(
    {
      reasoning: asksForReasoning(wire),
      reasoningBudget: typeof budget === 'number' && budget >= 0 ? budget : undefined,
      tools: tools && { tools, choice, parallel, idPrefix: 'chatcmpl-tool-', subject },
      format,
    },
    context,
  )
  return output && { output, fingerprint: JSON.stringify([wire.tools, choice, wire.parallel_tool_calls, format]) }
}

/** What the request says about reasoning, if anything. An effort can only switch it off. */
function asksForReasoning({ chat_template_kwargs: kwargs, reasoning_effort: effort }: ChatWire): boolean | undefined {
  const enabled = kwargs?.['enable_thinking']
  if (typeof enabled === 'boolean') return enabled
  return kwargs?.['thinking'] === false || effort === 'none' ? false : undefined
}

/** An answer that continues the last message has that message's role. */
function roleOf(wire: ChatWire, { context }: HttpCall): string {
  const continued = wire.continue_final_message || wire.add_generation_prompt === false
  return (continued ? wire.messages?.at(-1)?.role : undefined) ?? context.settings.responseRole
}

/** What is shown beside text; undefined when nothing is. */
function featuresOf(
  wire: ChatWire,
  role: string,
  found: Pick<ChatFeatures, 'logprobs' | 'promptLogprobs' | 'image' | 'parts'>,
  context: ServingContext,
): ChatFeatures | undefined {
  const { logprobs, promptLogprobs, image, parts } = found
  const tokenIds = wire.return_token_ids ?? false
  const promptText = wire.return_prompt_text ?? false
  const shown = parts || image || tokenIds || promptText || wire.echo
  if (!shown && logprobs === undefined && promptLogprobs === undefined) return undefined
  const last = wire.messages?.at(-1)
  return {
    ...found,
    tokenName: tokenName(wire.return_tokens_as_token_ids ?? undefined, context),
    tokenIds,
    promptText,
    reasoning: wire.include_reasoning ?? true,
    echo: wire.echo && last?.role === role ? echoText([toChatMessage(last)]) : '',
  }
}
